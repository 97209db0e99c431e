// SPDX-License-Identifier: Apache-2.0
#include "complete.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <sstream>

#include "command.h"

namespace guideway::cli {
namespace {

using Texts = std::vector<std::string>;

constexpr std::chrono::milliseconds kPatience{1'000};

Texts words_in(const std::string& text) {
  std::istringstream stream(text);
  Texts words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

/// The option with this name and an argument, or null.
const Option* option_with_value(const std::string& word) {
  for (const Option& one : all_options())
    if (!one.argument.empty() && word == "--" + one.name) return &one;
  return nullptr;
}

/// Without options and their values.
Texts plain_words(const Texts& words) {
  Texts plain;
  for (std::size_t i = 0; i < words.size(); i++) {
    if (words[i].rfind("--", 0) != 0) plain.push_back(words[i]);
    if (option_with_value(words[i]) != nullptr) i++;
  }
  return plain;
}

Outcome<Json> read_quickly(const Daemon& daemon, const std::string& target) {
  Request request;
  request.target = target;
  request.time = kPatience;
  const auto body = daemon.ask(request);
  return body ? parse_answer(*body) : tl::unexpected(body.error());
}

/// Only names that are whole words for a shell: the daemon's are.
void add_name(const std::string& name, Texts& names) {
  const bool harmless = std::all_of(name.begin(), name.end(), [](char byte) {
    return std::isalnum(static_cast<unsigned char>(byte)) != 0 || byte == '.' || byte == '_' ||
           byte == '-' || byte == '/';
  });
  if (harmless) names.push_back(name);
}

/// "SERVICE", "POOL" or "POOL/BACKEND", as /v1/status names them.
Texts names_for(const std::string& argument, const Daemon& daemon) {
  Texts names;
  const auto status = read_quickly(daemon, "/v1/status");
  if (!status) return names;
  if (argument == "SERVICE")
    for (const Json& one : status->at("services")) add_name(one.at("name"), names);
  else
    for (const Json& pool : status->at("pools")) {
      const std::string name = pool.at("name");
      if (argument == "POOL") add_name(name, names);
      if (argument == "POOL/BACKEND")
        for (const Json& backend : pool.at("backends"))
          // Guests from a fallback pool are named with their own.
          if (backend.value("home", "").empty())
            add_name(name + "/" + backend.at("name").get<std::string>(), names);
    }
  return names;
}

/// What can stand at the place of the last of `words`, which have no options.
Texts next_words(const Texts& words, const Daemon& daemon) {
  std::set<std::string> found;
  const std::size_t place = words.size() - 1;
  for (const Command& command : commands()) {
    const Texts own = words_in(command.words);
    const std::size_t common = std::min(place, own.size());
    if (!std::equal(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(common), words.begin()))
      continue;
    if (place < own.size()) {
      found.insert(own[place]);
      continue;
    }
    Texts arguments = words_in(command.arguments);
    if (place - own.size() >= arguments.size()) continue;
    std::string argument = arguments[place - own.size()];
    argument.erase(std::remove(argument.begin(), argument.end(), '['), argument.end());
    argument.erase(std::remove(argument.begin(), argument.end(), ']'), argument.end());
    if (own.back() != "add") return names_for(argument, daemon);
  }
  return {found.begin(), found.end()};
}

Texts options_for(const Texts& words) {
  Texts names;
  const auto command = find_command(words);
  for (const std::string& name : command ? options_of(**command) : common_options())
    names.push_back("--" + name);
  return names;
}

}  // namespace

std::vector<std::string> completions(const std::vector<std::string>& words, const Daemon& daemon) {
  if (words.empty()) return {};
  const std::string& typed = words.back();
  const Texts before(words.begin(), words.end() - 1);
  const Option* waiting = before.empty() ? nullptr : option_with_value(before.back());
  Texts found;
  try {
    if (waiting != nullptr) {
      found = waiting->choices;
    } else if (typed.rfind('-', 0) == 0) {
      found = options_for(plain_words(before));
    } else {
      Texts plain = plain_words(before);
      plain.push_back(typed);
      found = next_words(plain, daemon);
    }
  } catch (const Json::exception&) {
    found.clear();  // not an answer of this version's
  }
  found.erase(std::remove_if(found.begin(), found.end(),
                             [&](const std::string& one) { return one.rfind(typed, 0) != 0; }),
              found.end());
  return found;
}

}  // namespace guideway::cli
