// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/sql_lexer.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/ascii.h"

namespace backup::agent {
namespace {

// Longer than any word that matters.
constexpr size_t kMaxWordBytes = 10;

bool IsIdentifierByte(char c) {
  return absl::ascii_isalnum(c) || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

SqlLexer::Event SqlLexer::Next(absl::string_view* input) {
  while (!input->empty()) {
    if (std::optional<Event> event = Step(input); event.has_value()) {
      return *event;
    }
  }
  return Event::kInputUsedUp;
}

std::optional<SqlLexer::Event> SqlLexer::Step(absl::string_view* input) {
  switch (state_) {
    case State::kLineComment:
    case State::kMetaCommand:
      return TakeLine(input);
    case State::kBlockComment:
      SkipBlockComment(input);
      return std::nullopt;
    default:
      return pending_ != 0 ? ResolvePending(input) : StepInCode(input);
  }
}

std::optional<SqlLexer::Event> SqlLexer::ResolvePending(absl::string_view* input) {
  const char first = pending_;
  pending_ = 0;
  if (input->front() == (first == '-' ? '-' : '*')) {
    input->remove_prefix(1);
    line_.clear();
    comment_depth_ = 1;
    previous_in_comment_ = 0;
    state_ = first == '-' ? State::kLineComment : State::kBlockComment;
    return std::nullopt;
  }
  // It was an operator after all. Its byte may have been in the input before.
  in_statement_ = true;
  before_last_ = last_;
  last_ = first;
  text_ = first == '-' ? "-" : "/";
  return Event::kText;
}

// Gives the longest piece of statement text that lies in one stretch of the input.
std::optional<SqlLexer::Event> SqlLexer::StepInCode(absl::string_view* input) {
  const char* const begin = input->data();
  auto text_until_here = [&]() -> std::optional<Event> {
    text_ = absl::string_view(begin, input->data() - begin);
    return text_.empty() ? std::nullopt : std::make_optional(Event::kText);
  };
  while (!input->empty()) {
    if (state_ == State::kDollarTag && TakeDollarTag(input)) {
      continue;
    }
    if (state_ != State::kCode) {
      SkipQuoted(input);
      continue;
    }
    const char c = input->front();
    if (!in_statement_ && absl::ascii_isspace(c)) {
      input->remove_prefix(1);
      return std::nullopt;
    }
    if (!in_statement_ && c == '\\') {
      state_ = State::kMetaCommand;
      line_.clear();
      return std::nullopt;
    }
    if (c == '-' || c == '/') {
      auto event = in_statement_ ? text_until_here() : std::nullopt;
      EndWord();
      pending_ = c;
      string_may_reopen_ = false;
      input->remove_prefix(1);
      return event;
    }
    if (c == ';') {
      EndWord();
    }
    if (c == ';' && parenthesis_depth_ <= 0 && begin_depth_ == 0) {
      if (input->data() != begin) {
        return text_until_here();
      }
      input->remove_prefix(1);
      in_statement_ = string_may_reopen_ = false;
      parenthesis_depth_ = word_count_ = 0;
      first_words_.clear();
      before_last_ = last_ = 0;
      return Event::kStatementEnd;
    }
    in_statement_ = true;
    TakeCode(c);
    input->remove_prefix(1);
  }
  return text_until_here();
}

bool SqlLexer::TakeDollarTag(absl::string_view* input) {
  const char c = input->front();
  const bool digit_first = dollar_delimiter_.size() == 1 && absl::ascii_isdigit(c);
  if (!IsIdentifierByte(c) || digit_first || dollar_delimiter_.size() > kMaxLineBytes) {
    state_ = State::kCode;  // `$1` or a lone dollar: ordinary text.
    return false;
  }
  dollar_delimiter_ += c;
  input->remove_prefix(1);
  if (c == '$') {
    state_ = State::kDollar;
    dollar_matched_ = 0;
  }
  return true;
}

void SqlLexer::EndWord() {
  if (word_.empty()) {
    return;
  }
  const bool is_head =
      word_ == "create" || word_ == "or" || word_ == "replace" || word_ == "function" || word_ == "procedure";
  if (++word_count_ <= 4 && is_head) {
    first_words_ += word_.front();
  }
  const bool makes_routine =
      first_words_ == "cf" || first_words_ == "cp" || first_words_ == "corf" || first_words_ == "corp";
  if (makes_routine && parenthesis_depth_ == 0) {
    // Alone, `begin` may be the name of the routine, a column or a parameter; `case` and `end` are reserved.
    if (begin_depth_ == 0 ? after_begin_ && word_ == "atomic" : word_ == "case") {
      ++begin_depth_;
    } else if (word_ == "end" && begin_depth_ > 0) {
      --begin_depth_;
    }
  }
  after_begin_ = word_ == "begin";
  word_.clear();
}

void SqlLexer::TakeCode(char c) {
  if (!IsIdentifierByte(c)) {
    EndWord();
  } else if (word_.size() < kMaxWordBytes) {
    word_ += absl::ascii_tolower(c);
  }
  const bool reopens = string_may_reopen_;
  string_may_reopen_ = false;
  switch (c) {
    case '\'':
      state_ = State::kString;
      if (!reopens) {
        const bool escape_prefix = (last_ == 'E' || last_ == 'e') && !IsIdentifierByte(before_last_);
        string_escapes_ = escape_prefix || !standard_conforming_strings_;
      }
      break;
    case '"':
      state_ = State::kIdentifier;
      break;
    case '$':
      if (!IsIdentifierByte(last_)) {
        state_ = State::kDollarTag;
        dollar_delimiter_.assign(1, '$');
      }
      break;
    case '(':
      ++parenthesis_depth_;
      break;
    case ')':
      --parenthesis_depth_;
      break;
    default:
      break;
  }
  before_last_ = last_;
  last_ = c;
}

void SqlLexer::SkipQuoted(absl::string_view* input) {
  if (state_ == State::kString && skip_next_) {
    skip_next_ = false;
    input->remove_prefix(1);
    return;
  }
  if (state_ == State::kDollar && dollar_matched_ > 0) {
    const char c = input->front();
    input->remove_prefix(1);
    if (c == dollar_delimiter_[dollar_matched_]) {
      if (++dollar_matched_ == dollar_delimiter_.size()) {
        state_ = State::kCode;
        before_last_ = last_ = 0;  // What follows is not part of an identifier.
      }
    } else {
      dollar_matched_ = c == '$' ? 1 : 0;
    }
    return;
  }
  const char mark = state_ == State::kString ? '\'' : state_ == State::kIdentifier ? '"' : '$';
  const size_t position = string_escapes_ && state_ == State::kString ? input->find_first_of("'\\") : input->find(mark);
  if (position == absl::string_view::npos) {
    input->remove_prefix(input->size());
    return;
  }
  const char found = (*input)[position];
  input->remove_prefix(position + 1);
  if (found == '\\') {
    skip_next_ = true;
  } else if (state_ == State::kDollar) {
    dollar_matched_ = 1;
  } else {
    string_may_reopen_ = state_ == State::kString;
    state_ = State::kCode;
    before_last_ = 0;
    last_ = found;
  }
}

void SqlLexer::SkipBlockComment(absl::string_view* input) {
  while (!input->empty() && comment_depth_ > 0) {
    const char c = input->front();
    input->remove_prefix(1);
    if (previous_in_comment_ == '*' && c == '/') {
      --comment_depth_;
      previous_in_comment_ = 0;
    } else if (previous_in_comment_ == '/' && c == '*') {
      ++comment_depth_;
      previous_in_comment_ = 0;
    } else {
      previous_in_comment_ = c;
    }
  }
  if (comment_depth_ == 0) {
    state_ = State::kCode;
  }
}

std::optional<SqlLexer::Event> SqlLexer::TakeLine(absl::string_view* input) {
  const size_t end = std::min(input->find('\n'), input->size());
  line_.append(input->data(), std::min(end, kMaxLineBytes - std::min(kMaxLineBytes, line_.size())));
  if (end == input->size()) {
    input->remove_prefix(end);
    return std::nullopt;
  }
  input->remove_prefix(end + 1);
  const bool is_command = state_ == State::kMetaCommand;
  state_ = State::kCode;
  if (is_command) {
    return Event::kMetaCommand;
  }
  // A comment within a statement says nothing to anyone.
  return in_statement_ ? std::nullopt : std::make_optional(Event::kLineComment);
}

}  // namespace backup::agent
