// SPDX-License-Identifier: Apache-2.0
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/text.h"
#include "base/utf8.h"
#include "base/yaml_node.h"

namespace backup {
namespace {

constexpr size_t kMaxBytes = 1 << 20;
constexpr size_t kMaxDepth = 64;

// What yaml-cpp's handler interface leaves for saying no; never leaves this file.
struct Refusal {
  SourcePosition position;
  std::string why;
  std::string hint;
};

SourcePosition PositionAt(absl::string_view text, size_t offset) {
  offset = std::min(offset, text.size());
  SourcePosition result{1, 1};
  for (size_t i = 0; i < offset;) {
    if (NextCodePoint(text, &i) == '\n') {
      ++result.line;
      result.column = 1;
    } else {
      ++result.column;
    }
  }
  return result;
}

// What stands from `offset` to the end of its line, without a comment.
absl::string_view RestOfLine(absl::string_view text, size_t offset) {
  absl::string_view line = text.substr(offset);
  line = line.substr(0, line.find('\n'));
  return absl::StripAsciiWhitespace(line.substr(0, line.find(" #")));
}

bool LooksLikeCron(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, "*")) return false;
  if (absl::StartsWith(text, "/")) return true;
  return text.size() > 1 && text[0] == ' ' && (text[1] == '*' || absl::ascii_isdigit(text[1]));
}

// The five fields at the front of `text`, without the comma or bracket of a flow map behind them.
absl::string_view CronFields(absl::string_view text) {
  size_t end = 0;
  for (int field = 0; field < 5 && end < text.size(); ++field) {
    end = text.find_first_not_of(' ', end);
    end = std::min(text.find(' ', end), text.size());
  }
  text = text.substr(0, end);
  while (!text.empty() && (text.back() == ',' || text.back() == '}' || text.back() == ']')) text.remove_suffix(1);
  return text;
}

Refusal AliasRefusal(absl::string_view text, size_t offset) {
  const absl::string_view rest = RestOfLine(text, offset);
  const std::string hint = LooksLikeCron(rest)
                               ? absl::StrCat("quote the cron expression: \"", CleanText(CronFields(rest), 100), "\"")
                               : "quote a text that begins with \"*\", as in \"*\" or \"*_tmp\"";
  return {PositionAt(text, offset), "an unquoted \"*\" makes a YAML alias, which is not accepted", hint};
}

// A refusal for yaml-cpp's own complaint at `offset`.
Refusal SyntaxRefusal(absl::string_view text, size_t offset, absl::string_view complaint) {
  size_t token = std::min(offset, text.size());
  while (token > 0 && !absl::ascii_isspace(text[token - 1]) && text[token - 1] != '[' && text[token - 1] != '{') {
    --token;
  }
  const char first = token < text.size() ? text[token] : '\0';
  if (first == '*') return AliasRefusal(text, token);
  if (first == '@' || first == '`' || first == '%') {
    return {PositionAt(text, token),
            absl::StrCat("a text cannot begin with an unquoted \"", std::string(1, first), "\""),
            absl::StrCat("quote it: \"", CleanText(RestOfLine(text, token), 100), "\"")};
  }
  const size_t line = text.substr(0, offset).rfind('\n') + 1;  // npos + 1 is 0.
  const size_t indented = std::min(text.find_first_not_of(" \t", line), text.size());
  const bool tab = absl::StrContains(text.substr(line, indented - line), '\t');
  return {PositionAt(text, offset), CleanText(complaint), tab ? "indent with blanks, not with tabs" : ""};
}

}  // namespace

// Builds nodes from yaml-cpp's events. Its own nodes would resolve aliases and keep the last of two equal keys.
class YamlParser : public YAML::EventHandler {
 public:
  explicit YamlParser(absl::string_view text) : text_(text) {}

  std::vector<YamlNode> TakeDocuments() { return std::move(documents_); }

  void OnDocumentStart(const YAML::Mark&) override { frames_.clear(); }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    CheckPrefix(mark);
    Add(MakeRep(YamlNode::Kind::kNull, mark));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { throw AliasRefusal(text_, Offset(mark)); }

  void OnAnchor(const YAML::Mark& mark, const std::string&) override { RefuseAnchor(mark); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    CheckPrefix(mark);
    CheckTag(mark, tag);
    auto rep = MakeRep(YamlNode::Kind::kScalar, mark);
    rep->text = value;
    rep->quoted = tag == "!";
    if (rep->quoted) CheckQuotes(mark);
    Add(std::move(rep));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kList, mark, tag);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kMap, mark, tag);
  }
  void OnMapEnd() override { Close(); }

 private:
  // A list or map that is not at its end yet.
  struct Frame {
    std::shared_ptr<YamlNode::Rep> rep;
    bool has_key = false;
    std::string key;
    SourcePosition key_position;
    std::map<std::string, int> lines_of_keys;
  };

  size_t Offset(const YAML::Mark& mark) const {
    return mark.is_null() ? text_.size() : std::min(static_cast<size_t>(mark.pos), text_.size());
  }

  SourcePosition Position(const YAML::Mark& mark) {
    // Marks come in order, so that counting goes on from the last one.
    const size_t offset = Offset(mark);
    if (offset < counted_offset_) return PositionAt(text_, offset);
    while (counted_offset_ < offset) {
      if (NextCodePoint(text_, &counted_offset_) == '\n') {
        ++counted_.line;
        counted_.column = 1;
      } else {
        ++counted_.column;
      }
    }
    return counted_;
  }

  std::shared_ptr<YamlNode::Rep> MakeRep(YamlNode::Kind kind, const YAML::Mark& mark) {
    auto rep = std::make_shared<YamlNode::Rep>();
    rep->kind = kind;
    rep->position = Position(mark);
    rep->key_position = rep->position;
    return rep;
  }

  [[noreturn]] void RefuseAnchor(const YAML::Mark& mark) {
    throw Refusal{Position(mark), "YAML anchors are not accepted", "quote a text that begins with \"&\""};
  }

  [[noreturn]] void RefuseTag(const YAML::Mark& mark) {
    throw Refusal{Position(mark), "YAML tags are not accepted", "quote a text that begins with \"!\""};
  }

  // yaml-cpp does not tell of every tag and anchor; the text does.
  void CheckPrefix(const YAML::Mark& mark) {
    const size_t offset = Offset(mark);
    if (offset >= text_.size()) return;
    if (text_[offset] == '!') RefuseTag(mark);
    if (text_[offset] == '&') RefuseAnchor(mark);
  }

  void CheckTag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") RefuseTag(mark);
  }

  // yaml-cpp takes the end of the file for a missing quote: a file that was cut would pass.
  void CheckQuotes(const YAML::Mark& mark) {
    const size_t start = Offset(mark);
    const char quote = start < text_.size() ? text_[start] : '\0';
    if (quote != '"' && quote != '\'') return;  // A block scalar.
    size_t end = start + 1;
    while (end < text_.size()) {
      const bool doubled = quote == '\'' && text_.substr(end, 2) == "''";
      if (!doubled && text_[end] == quote) return;
      end += doubled || (quote == '"' && text_[end] == '\\') ? 2 : 1;
    }
    throw Refusal{Position(mark), "this quote is never closed", ""};
  }

  void Open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag) {
    CheckPrefix(mark);
    CheckTag(mark, tag);
    auto rep = MakeRep(kind, mark);
    if (frames_.size() >= kMaxDepth) throw Refusal{rep->position, "more than 64 levels", ""};
    if (!frames_.empty() && frames_.back().rep->kind == YamlNode::Kind::kMap && !frames_.back().has_key) {
      throw Refusal{rep->position, "a key must be a text", ""};
    }
    Frame frame;
    frame.rep = std::move(rep);
    frames_.push_back(std::move(frame));
  }

  void Close() {
    std::shared_ptr<YamlNode::Rep> rep = std::move(frames_.back().rep);
    frames_.pop_back();
    Add(std::move(rep));
  }

  void AddKey(Frame& frame, const YamlNode::Rep& rep) {
    if (rep.kind != YamlNode::Kind::kScalar) throw Refusal{rep.position, "a key must be a text", "quote the key"};
    if (rep.text == "<<" && !rep.quoted) throw Refusal{rep.position, "YAML merge keys are not accepted", ""};
    const auto [earlier, is_new] = frame.lines_of_keys.emplace(rep.text, rep.position.line);
    if (!is_new) {
      throw Refusal{rep.position,
                    absl::StrCat("duplicate key \"", CleanText(rep.text, 100), "\", first on line ", earlier->second),
                    "remove one of the two"};
    }
    frame.has_key = true;
    frame.key = rep.text;
    frame.key_position = rep.position;
  }

  void Add(std::shared_ptr<YamlNode::Rep> rep) {
    YamlNode node;
    if (frames_.empty()) {
      if (rep->kind == YamlNode::Kind::kNull) return;
      node.rep_ = std::move(rep);
      documents_.push_back(std::move(node));
      return;
    }
    Frame& frame = frames_.back();
    if (frame.rep->kind == YamlNode::Kind::kList) {
      node.rep_ = std::move(rep);
      frame.rep->items.push_back(std::move(node));
      return;
    }
    if (!frame.has_key) {
      AddKey(frame, *rep);
      return;
    }
    rep->key_position = frame.key_position;
    // For a value that is not there yaml-cpp gives the place of whatever comes next.
    if (rep->kind == YamlNode::Kind::kNull) rep->position = frame.key_position;
    node.rep_ = std::move(rep);
    frame.rep->entries.emplace_back(std::move(frame.key), std::move(node));
    frame.has_key = false;
  }

  const absl::string_view text_;
  size_t counted_offset_ = 0;
  SourcePosition counted_{1, 1};
  std::vector<Frame> frames_;
  std::vector<YamlNode> documents_;
};

absl::StatusOr<std::vector<YamlNode>> ParseYaml(absl::string_view text, absl::string_view file) {
  const auto fail = [&](const Refusal& refusal) {
    return YamlError(file, refusal.position, "", refusal.why, refusal.hint);
  };
  if (text.size() > kMaxBytes) return fail({{}, "larger than 1 MiB", ""});
  absl::ConsumePrefix(&text, "\xef\xbb\xbf");
  for (size_t offset = 0; offset < text.size();) {
    const size_t start = offset;
    const int32_t c = NextCodePoint(text, &offset);
    if (c < 0) return fail({PositionAt(text, start), "not UTF-8", "save the file as UTF-8"});
    const bool allowed = c == '\t' || c == '\n' || c == '\r';
    if (!allowed && (c < 0x20 || (c >= 0x7f && c <= 0x9f))) {
      return fail({PositionAt(text, start), "a control character is not accepted", "write it as an escape in quotes"});
    }
  }
  YamlParser handler(text);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(handler)) {
    }
  } catch (const Refusal& refusal) {
    return fail(refusal);
  } catch (const YAML::Exception& exception) {
    const size_t offset = exception.mark.is_null() ? text.size() : static_cast<size_t>(exception.mark.pos);
    return fail(SyntaxRefusal(text, offset, exception.msg));
  }
  return handler.TakeDocuments();
}

}  // namespace backup
