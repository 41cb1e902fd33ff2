// SPDX-License-Identifier: GPL-2.0-or-later
// Where answers go: documents and streams of rows to stdout, warnings and errors as the mode
// has them.
#pragma once

#include <cstdio>
#include <string>
#include <utility>

#include "cli/render/document.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {

enum class Mode {
    text,
    json,    ///< one line
    pretty,  ///< JSON, indented
};

/// A document with one array too long to be held: rows are written as they come.
struct Stream {
    std::string schema;
    std::string key;  ///< member of the document that holds the rows
    std::vector<Field> columns;
    std::string when_empty;
    /// It has no end: each row is flushed, and in JSON a document on a line of its own.
    bool endless = false;
};

class Output {
public:
    Output(Mode mode, std::FILE* out, std::FILE* err) : mode_(mode), out_(out), err_(err) {}

    /// Whose commands hints and warnings are to name; the default one's until then.
    void set_instance(std::string instance) { instance_ = std::move(instance); }

    void print(Document document);
    void print(const Error& error);
    /// Whether something that was asked for could not be done, and the rest was.
    [[nodiscard]] bool in_part() const { return in_part_; }
    /// Clears a terminal that is to show one document after the other; nothing in JSON.
    void clear_screen();

    void begin(Stream stream);
    void row(const Json& row);
    /// Something about the stream that is no row: a warning in text, in endless JSON a line of
    /// its own. A document that ends has it in its tail.
    void remark(const Json& json, const std::string& text);
    /// Ends the stream; `tail` holds the document's members after the rows.
    void end(const Json& tail);

private:
    void write(const std::string& text);
    void write_error(const std::string& line);
    void write_error(const Error& error);
    void write_line(const Json& json);

    Mode mode_;
    std::FILE* out_;
    std::FILE* err_;
    std::string instance_;
    Stream stream_;
    bool streaming_ = false;
    bool in_part_ = false;
    bool first_row_ = true;
};

}  // namespace sluice::cli
