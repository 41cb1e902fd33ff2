// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/render/output.hpp"

#include <fmt/format.h>

#include "cli/render/printable.hpp"
#include "cli/render/text.hpp"
#include "loader/instance/target.hpp"

namespace sluice::cli {
namespace {

std::string code_text(ErrorCode code) {
    switch (code) {
        case ErrorCode::failed:
            return "failed";
        case ErrorCode::usage:
            return "usage";
        case ErrorCode::not_found:
            return "not-found";
        case ErrorCode::refused:
            return "refused";
        case ErrorCode::unsupported:
            return "unsupported";
        case ErrorCode::permission:
            return "permission";
    }
    return "failed";
}

/// Commands in hints and warnings are named as for the default instance; this makes them fit to be
/// copied.
std::string for_instance(std::string text, const std::string& instance) {
    constexpr std::string_view command = "`sluice ", other = "`sluice --instance ";
    if (instance.empty() || instance == Target{}.instance) return text;
    for (auto at = text.find(command); at != text.npos; at = text.find(command, at + 1))
        if (text.compare(at, other.size(), other) != 0)
            text.insert(at + command.size(), fmt::format("--instance {} ", instance));
    return text;
}

Json error_json(const Error& error) {
    return {{"code", code_text(error.code)}, {"message", error.message}, {"hint", error.hint}};
}

Json whole(const Document& document) {
    Json json{{"schema", document.schema}};
    json.update(document.body);
    if (!document.warnings.empty()) json["warnings"] = document.warnings;
    for (const auto& failure : document.failures) json["failures"].push_back(error_json(failure));
    return json;
}

/// Names of interfaces and files are bytes, not always UTF-8: what is not is replaced.
std::string dump(const Json& json, Mode mode) {
    return json.dump(mode == Mode::pretty ? 2 : -1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

void Output::write(const std::string& text) {
    const auto shown = mode_ == Mode::text ? printable(text) : text;
    std::fwrite(shown.data(), 1, shown.size(), out_);
}

void Output::write_error(const std::string& line) { fmt::print(err_, "{}\n", printable(line)); }

void Output::print(Document document) {
    for (auto& warning : document.warnings) warning = for_instance(std::move(warning), instance_);
    for (auto& failure : document.failures)
        failure.hint = for_instance(std::move(failure.hint), instance_);
    in_part_ |= !document.failures.empty();
    write(mode_ == Mode::text ? render_text(document) : dump(whole(document), mode_) + '\n');
    std::fflush(out_);
    if (mode_ != Mode::text) return;
    for (const auto& warning : document.warnings) write_error("warning: " + warning);
    for (const auto& failure : document.failures) write_error(failure);
}

void Output::write_error(const Error& error) {
    write_error("sluice: " + error.message);
    if (!error.hint.empty()) write_error("  hint: " + error.hint);
}

void Output::print(const Error& failed) {
    auto error = failed;
    error.hint = for_instance(std::move(error.hint), instance_);
    if (mode_ == Mode::text) {
        std::fflush(out_);
        return write_error(error);
    }
    // A stream already begun is closed, so that what stands on stdout is one valid document.
    if (streaming_) return end({{"error", error_json(error)}});
    write(dump({{"error", error_json(error)}}, mode_) + '\n');
}

void Output::clear_screen() {
    constexpr std::string_view home_and_erase = "\033[H\033[J";  // ECMA-48
    if (mode_ == Mode::text) std::fwrite(home_and_erase.data(), 1, home_and_erase.size(), out_);
}

void Output::begin(Stream stream) {
    stream_ = std::move(stream);
    streaming_ = true;
    first_row_ = true;
    if (mode_ != Mode::text && !stream_.endless)
        write(fmt::format("{{\"schema\":\"{}\",\"{}\":[", stream_.schema, stream_.key));
}

void Output::row(const Json& row) {
    if (mode_ == Mode::text) {
        if (first_row_) write(text_heading(stream_.columns));
        write(text_row(stream_.columns, row));
        if (stream_.endless) std::fflush(out_);
    } else if (stream_.endless) {
        write_line(row);
    } else {
        // Rows stay on one line each, also when the rest is indented.
        write(first_row_ ? "\n" : ",\n");
        write(dump(row, Mode::json));
    }
    first_row_ = false;
}

void Output::write_line(const Json& json) {
    Json line{{"schema", stream_.schema}};
    line.update(json);
    write(dump(line, Mode::json) + '\n');
    std::fflush(out_);
}

void Output::remark(const Json& json, const std::string& text) {
    if (mode_ != Mode::text) {
        if (stream_.endless) write_line(json);
        return;
    }
    std::fflush(out_);
    write_error("warning: " + text);
}

void Output::end(const Json& tail) {
    streaming_ = false;
    if (mode_ == Mode::text) {
        if (first_row_ && !stream_.when_empty.empty()) write(stream_.when_empty + '\n');
        return;
    }
    if (stream_.endless) {
        if (!tail.empty()) write_line(tail);
        return;
    }
    write("\n]");
    for (const auto& [key, value] : tail.items())
        write(fmt::format(",\"{}\":{}", key, dump(value, Mode::json)));
    write("}\n");
}

}  // namespace sluice::cli
