// SPDX-License-Identifier: Apache-2.0
#include "guideway/config/config.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "guideway/base/result.h"
#include "guideway/base/text.h"
#include "guideway/model/remarks.h"
#include "json_node.h"
#include "rules.h"
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
  file.read_array(
      "interface",
      [&](const Node& node, const std::string& path) {
        model.interfaces.push_back(read_interface(node, path, errors));
      },
      " of tables: write [[interface]]");
  read_changeable(file, root, errors, model);
  file.report_unknown_keys();
  return model;
}

LoadResult refused(std::vector<std::string> errors) {
  LoadResult result;
  result.errors = std::move(errors);
  return result;
}

Json array_in(const Node& root, std::string_view key) {
  const Member* member = find_member(root, key);
  return member == nullptr ? Json::array() : json_of(member->value);
}

Resources resources_of(const Node& root) {
  return {array_in(root, "service"), array_in(root, "pool")};
}

/// Without the secret, which no copy of the file shows.
Json rest_of(const Node& root) {
  Json rest = json_of(root);
  rest.erase("service");
  rest.erase("pool");
  if (rest.contains("director")) {
    rest["director"].erase("hash_seed");
  }
  return rest;
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
    return refused({base::escape_untrusted(file_name) + ":1:1: file: is larger than " +
                    std::to_string(kMaxFileSize) + " bytes, the most that is allowed"});
  }
  const auto root = parse_document(text);
  if (!root) {
    errors.add(root.error().position, "syntax", base::escape_untrusted(root.error().message));
    return refused(errors.to_text(file_name));
  }
  model::Model model = read_model(*root, errors);
  check_rules(model, *root, errors);
  if (!errors.empty()) {
    return refused(errors.to_text(file_name));
  }
  std::vector<std::string> notes = model::remarks(model);
  for (std::string& note : notes) note = base::escape_untrusted(file_name) + ": note: " + note;
  return {std::move(model), {}, std::move(notes), resources_of(*root), rest_of(*root)};
}

LoadResult load_file(const std::string& path) {
  const auto text = read_file(path);
  if (!text) {
    return refused({base::escape_untrusted(path) + ":1:1: file: " + text.error().message +
                    ": check the path and its permissions"});
  }
  return parse(*text, path);
}

}  // namespace guideway::config
