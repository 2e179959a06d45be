// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace backup::agent {

// Finds the ends of statements, comments and psql's commands in SQL text that comes in arbitrary pieces, by the lexical
// rules of PostgreSQL (manual, 4.1): quoted identifiers, strings with and without escapes, dollar quotes, nested
// comments, parentheses. Keeps nothing of the text but the line it is in when that is a comment or a psql command.
class SqlLexer {
 public:
  enum class Event {
    kInputUsedUp,   // All of the input was taken.
    kText,          // text() is the next piece of the current statement; a statement may come in many.
    kStatementEnd,  // The `;` of a statement was taken (its text came before).
    kLineComment,   // A `--` line that stands outside of any statement has ended; line() is what follows the dashes.
    kMetaCommand,   // A line that begins with `\` outside of any statement has ended; line() is all of it.
  };

  // Takes a part of `input` from its front and says what it was.
  Event Next(absl::string_view* input);

  // Points into the input of the call of Next that gave kText.
  absl::string_view text() const { return text_; }
  // At most kMaxLineBytes of it.
  const std::string& line() const { return line_; }
  // True when nothing is open: no statement, string, comment or line.
  bool at_top_level() const { return state_ == State::kCode && !in_statement_ && pending_ == 0; }

  // Whether backslashes in plain strings are ordinary characters; PostgreSQL's setting of this name. Default: on.
  void set_standard_conforming_strings(bool on) { standard_conforming_strings_ = on; }

  static constexpr size_t kMaxLineBytes = 1024;

 private:
  enum class State { kCode, kString, kIdentifier, kDollarTag, kDollar, kLineComment, kBlockComment, kMetaCommand };

  // Next, but nothing when only the state changed.
  std::optional<Event> Step(absl::string_view* input);
  std::optional<Event> StepInCode(absl::string_view* input);
  std::optional<Event> ResolvePending(absl::string_view* input);
  // Takes from the front of `input` all that surely lies within the string, identifier, dollar quote or comment.
  void SkipQuoted(absl::string_view* input);
  void SkipBlockComment(absl::string_view* input);
  // Takes one character that may belong to the tag of a dollar quote; false when it does not.
  bool TakeDollarTag(absl::string_view* input);
  std::optional<Event> TakeLine(absl::string_view* input);
  // The effect of one character of code.
  void TakeCode(char c);
  // The effect of a word of code that has ended. A routine's body may be statements between BEGIN ATOMIC and END, whose
  // semicolons do not end the statement that makes it (PostgreSQL manual, CREATE FUNCTION).
  void EndWord();

  State state_ = State::kCode;
  bool standard_conforming_strings_ = true;
  bool in_statement_ = false;
  int parenthesis_depth_ = 0;
  std::string word_;         // The word that is passing, lower case, as far as it matters.
  std::string first_words_;  // Initials of the statement's first words, while they are those of CREATE FUNCTION.
  int word_count_ = 0;
  bool after_begin_ = false;  // The last word was BEGIN.
  int begin_depth_ = 0;
  int comment_depth_ = 0;
  char pending_ = 0;  // A '-' or '/' that may begin a comment.
  char last_ = 0;     // The last two characters of code, to know E'' strings and a$b.
  char before_last_ = 0;
  bool string_escapes_ = false;     // The open string has backslash escapes.
  bool string_may_reopen_ = false;  // The last character closed a string; a quote right after it continues it.
  bool skip_next_ = false;          // The next character of the string is escaped.
  char previous_in_comment_ = 0;
  std::string dollar_delimiter_;  // "$tag$"
  size_t dollar_matched_ = 0;     // How much of it the last characters were.
  absl::string_view text_;
  std::string line_;
};

}  // namespace backup::agent
