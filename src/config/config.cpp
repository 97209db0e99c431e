// SPDX-License-Identifier: Apache-2.0
#include "guideway/config/config.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "guideway/base/result.h"
#include "guideway/base/text.h"
#include "guideway/model/validate.h"
#include "sections.h"
#include "table_reader.h"

namespace guideway::config {
namespace {

constexpr std::int64_t kSchema = 1;

/// 65,535 backends with a name, an address and a weight each are 6 MB.
constexpr std::size_t kMaxFileSize = 16u << 20;

void read_schema(TableReader& file) {
  const Node* node = file.find("schema");
  if (node == nullptr) {
    return;
  }
  if (node->kind == Node::Kind::kInteger && node->integer > kSchema) {
    file.add_error(*node, "schema",
                   std::to_string(node->integer) + " is newer than this program, which knows " +
                       std::to_string(kSchema) +
                       ": update Guideway, or write the file in the older form");
    return;
  }
  file.integer(*node, "schema", {kSchema, kSchema}, "an integer");
}

model::Model read_model(const Node& root, Errors& errors) {
  model::Model model;
  TableReader file(root, "", errors);
  read_schema(file);
  if (const Node* node = file.find("director")) {
    model.director = read_director(*node, "director", errors);
  }
  if (const Node* node = file.find("capacity")) {
    model.capacity = read_capacity(*node, "capacity", errors);
  }
  if (const Node* node = file.find("admin")) {
    model.admin = read_admin(*node, "admin", errors);
  }
  // One element for each table, right or wrong: the paths of the model's rules are the file's.
  file.read_array(
      "interface",
      [&](const Node& node, const std::string& path) {
        model.interfaces.push_back(read_interface(node, path, errors));
      },
      " of tables: write [[interface]]");
  file.read_array(
      "pool",
      [&](const Node& node, const std::string& path) {
        model.pools.push_back(read_pool(node, path, errors));
      },
      " of tables: write [[pool]]");
  file.read_array(
      "service",
      [&](const Node& node, const std::string& path) {
        model.services.push_back(read_service(node, path, errors));
      },
      " of tables: write [[service]]");
  file.report_unknown_keys();
  return model;
}

/// Where a person looks first: what the rule is about; if that is a default, what it looked at
/// besides.
Position place_of(const model::Problem& problem, const Node& root) {
  const Place place = locate(root, problem.path);
  const Place related = locate(root, problem.related);
  return !place.exact && related.exact && !problem.related.empty() ? related.position
                                                                   : place.position;
}

/// The model's rules, in the file's places. What follows from a key that could not be read is left
/// out.
void check_rules(const model::Model& model, const Node& root, Errors& errors) {
  std::vector<model::Problem> news;
  for (model::Problem& problem : model::validate(model)) {
    if (!errors.covers(problem.path) && !errors.covers(problem.related)) {
      news.push_back(std::move(problem));
    }
  }
  for (const model::Problem& problem : news) {
    errors.add(place_of(problem, root), problem.path, problem.message);
  }
}

/// Everything from `fd`, up to a little more than kMaxFileSize.
Result<std::string> read_all(int fd) {
  std::string text;
  std::size_t size = 0;
  while (size <= kMaxFileSize) {
    text.resize(size + (64u << 10));
    const ssize_t count = read(fd, text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return base::fail_errno("cannot be read", errno);
    }
    if (count == 0) {
      break;
    }
    size += static_cast<std::size_t>(count);
  }
  text.resize(size);
  return text;
}

Result<std::string> read_file(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return base::fail_errno("cannot be opened", errno);
  }
  auto text = read_all(fd);
  close(fd);
  return text;
}

}  // namespace

LoadResult parse(std::string_view text, const std::string& file_name) {
  Errors errors;
  if (text.size() > kMaxFileSize) {
    return {std::nullopt,
            {base::escape_untrusted(file_name) + ":1:1: file: is larger than " +
             std::to_string(kMaxFileSize) + " bytes, the most that is allowed"}};
  }
  const auto root = parse_document(text);
  if (!root) {
    errors.add(root.error().position, "syntax", base::escape_untrusted(root.error().message));
    return {std::nullopt, errors.to_text(file_name)};
  }
  model::Model model = read_model(*root, errors);
  check_rules(model, *root, errors);
  if (!errors.empty()) {
    return {std::nullopt, errors.to_text(file_name)};
  }
  return {std::move(model), {}};
}

LoadResult load_file(const std::string& path) {
  const auto text = read_file(path);
  if (!text) {
    return {std::nullopt,
            {base::escape_untrusted(path) + ":1:1: file: " + text.error().message +
             ": check the path and its permissions"}};
  }
  return parse(*text, path);
}

}  // namespace guideway::config
