// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/render/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "sluice/units.hpp"

namespace sluice::cli {
namespace {

const char* const nothing = "-";
constexpr std::string_view gap = "  ";

std::string endpoint_text(const Json& value) {
    const auto& address = value.at("address").get_ref<const std::string&>();
    const auto port = value.at("port").get<int>();
    if (port == 0) return address;
    if (address.find(':') == std::string::npos) return fmt::format("{}:{}", address, port);
    return fmt::format("[{}]:{}", address, port);
}

/// `snat 192.0.2.1:2039`: what the changed end becomes; both ends of a hairpin.
std::string translation_text(const Json& session) {
    const auto& kind = session.at("nat").get_ref<const std::string&>();
    const auto source = endpoint_text(session.at("translated_source"));
    const auto destination = endpoint_text(session.at("translated_destination"));
    if (kind == "snat") return "snat " + source;
    if (kind == "dnat") return "dnat " + destination;
    if (kind == "hairpin") return fmt::format("hairpin {} > {}", source, destination);
    return nothing;
}

/// Whole seconds from ten seconds up: nobody reads the milliseconds of an hour.
std::string seconds_text(double seconds) {
    if (seconds < 10) return fmt::format("{:.1f}s", seconds);
    return duration_text(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
}

/// `1.5 ms`: three significant digits.
std::string wait_text(double seconds) {
    if (seconds == 0) return "0";
    if (seconds < 999.5e-6) return fmt::format("{:.3g} us", seconds * 1e6);
    if (seconds < 0.9995) return fmt::format("{:.3g} ms", seconds * 1e3);
    return fmt::format("{:.3g} s", seconds);
}

std::string limit_text(const Json& value, std::string (*text)(std::uint64_t)) {
    const auto limit = value.get<std::uint64_t>();
    return limit == 0 ? "blocked" : text(limit);
}

std::string list_text(const Json& list);

std::string plain_text(const Json& value) {
    if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
    if (value.is_string()) return value.get<std::string>();
    if (value.is_array()) return list_text(value);
    return value.dump();
}

std::string list_text(const Json& list) {
    std::string text;
    for (const auto& item : list) {
        if (!text.empty()) text += ", ";
        text += plain_text(item);
    }
    return text.empty() ? nothing : text;
}

std::string cell(const Field& field, const Json& row) {
    if (!row.contains(field.pointer)) return nothing;
    const auto& value = row.at(field.pointer);
    if (value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty()))
        return nothing;
    switch (field.format) {
        case Format::plain:
        case Format::count:
            return plain_text(value);
        case Format::bytes:
            return bytes_text(value.get<std::uint64_t>());
        case Format::duration:
            return seconds_text(value.get<double>());
        case Format::wait:
            return wait_text(value.get<double>());
        case Format::bit_rate:
            return bit_rate_text(value.get<double>());
        case Format::limit:
            return limit_text(value, rate_text);
        case Format::packet_rate:
            return limit_text(value, pps_text);
        case Format::percent:
            return fmt::format("{:.3g} %", value.get<double>() * 100);
        case Format::endpoint:
            return endpoint_text(value);
        case Format::translation:
            return translation_text(value);
        case Format::usage:
            return fmt::format("{} of {}", value.value("used", 0ull),
                               value.value("capacity", 0ull));
        case Format::last_event:
            return fmt::format("last {} at {}: {}", plain_text(value.at("time")),
                               plain_text(value.at("port")), plain_text(value.at("text")));
    }
    return nothing;
}

bool right_aligned(const Field& field) {
    switch (field.format) {
        case Format::count:
        case Format::bytes:
        case Format::duration:
        case Format::wait:
        case Format::bit_rate:
        case Format::limit:
        case Format::packet_rate:
        case Format::percent:
            return true;
        default:
            return false;
    }
}

/// @param widths of the columns; the last left-aligned one is not padded
std::string line(const std::vector<Field>& columns, const std::vector<std::string>& cells,
                 const std::vector<std::size_t>& widths) {
    std::string text;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (i > 0) text += gap;
        text += right_aligned(columns[i]) ? fmt::format("{:>{}}", cells[i], widths[i])
                                          : fmt::format("{:<{}}", cells[i], widths[i]);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text + '\n';
}

std::vector<std::string> titles(const std::vector<Field>& columns) {
    std::vector<std::string> cells;
    cells.reserve(columns.size());
    for (const auto& column : columns) cells.push_back(column.title);
    return cells;
}

std::vector<std::string> row_cells(const std::vector<Field>& columns, const Json& row) {
    std::vector<std::string> cells;
    cells.reserve(columns.size());
    for (const auto& column : columns) cells.push_back(cell(column, row));
    return cells;
}

std::vector<std::size_t> least_widths(const std::vector<Field>& columns) {
    std::vector<std::size_t> widths;
    widths.reserve(columns.size());
    for (const auto& column : columns)
        widths.push_back(std::max(column.width, column.title.size()));
    return widths;
}

/// Where the last column begins.
std::size_t last_column(const std::vector<std::size_t>& widths) {
    std::size_t begin = 0;
    for (std::size_t i = 0; i + 1 < widths.size(); ++i) begin += widths[i] + gap.size();
    return begin;
}

std::string render(const Note& note, const Json&) { return note.text + '\n'; }

std::string render(const Facts& facts, const Json& body) {
    const auto& object = body.at(Json::json_pointer(facts.pointer));
    std::size_t width = 0;
    for (const auto& field : facts.fields) width = std::max(width, field.title.size());
    std::string text;
    for (const auto& field : facts.fields)
        text += fmt::format("{:<{}}  {}\n", field.title, width, cell(field, object));
    return text;
}

std::string render(const Table& table, const Json& body) {
    const auto& rows = body.at(Json::json_pointer(table.pointer));
    if (rows.empty()) return table.when_empty.empty() ? "" : table.when_empty + '\n';

    const bool titled = std::ranges::any_of(
        table.columns, [](const Field& column) { return !column.title.empty(); });
    std::vector<std::vector<std::string>> lines;
    for (const auto& row : rows) lines.push_back(row_cells(table.columns, row));
    auto widths = least_widths(table.columns);
    for (const auto& cells : lines)
        for (std::size_t i = 0; i < cells.size(); ++i)
            widths[i] = std::max(widths[i], cells[i].size());

    std::string text = table.heading.empty() ? "" : table.heading + '\n';
    if (titled) text += line(table.columns, titles(table.columns), widths);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        text += line(table.columns, lines[i], widths);
        for (const auto& remark : table.remarks)
            if (const auto its_text = cell(remark, rows[i]); its_text != nothing)
                text += fmt::format("{:{}}{}\n", "", last_column(widths), its_text);
    }
    return text;
}

}  // namespace

std::string render_text(const Document& document) {
    std::string text;
    for (const auto& section : document.layout) {
        const auto part =
            std::visit([&](const auto& it) { return render(it, document.body); }, section);
        if (part.empty()) continue;
        if (!text.empty()) text += '\n';
        text += part;
    }
    return text;
}

std::string text_heading(const std::vector<Field>& columns) {
    return line(columns, titles(columns), least_widths(columns));
}

std::string text_row(const std::vector<Field>& columns, const Json& row) {
    return line(columns, row_cells(columns, row), least_widths(columns));
}

}  // namespace sluice::cli
