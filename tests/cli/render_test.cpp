// SPDX-License-Identifier: GPL-2.0-or-later
// The two renderers, on documents made for the purpose.
#include <gtest/gtest.h>

#include "cli/render/printable.hpp"
#include "cli/render/text.hpp"
#include "tests/cli/capture.hpp"

namespace sluice::cli {
namespace {

Document herd() {
    return {"test.herd/1",
            {{"name", "hill"},
             {"cows", {{{"name", "Ada"}, {"milk", 1500}}, {{"name", "Bo"}, {"milk", nullptr}}}}},
            {Facts{"", {{"herd", "/name"}, {"shepherd", "/shepherd"}}},
             Table{"", "/cows", {{"COW", "/name"}, {"MILK", "/milk", Format::count}}, "no cows"}},
            {"a wolf"}};
}

TEST(Text, AlignsColumnsAndMarksWhatIsMissing) {
    EXPECT_EQ(render_text(herd()),
              "herd      hill\n"
              "shepherd  -\n"
              "\n"
              "COW  MILK\n"
              "Ada  1500\n"
              "Bo      -\n");
}

TEST(Text, EmptyTableSaysSo) {
    auto document = herd();
    document.body["cows"] = Json::array();
    document.layout.erase(document.layout.begin());
    EXPECT_EQ(render_text(document), "no cows\n");
}

TEST(Text, RemarksStandBelowTheLastColumn) {
    Document document{
        "test/1",
        {{"rows", {{{"a", "x"}, {"b", "y"}, {"c", "more"}, {"d", nullptr}, {"e", "still"}}}}},
        {},
        {}};
    const std::vector<Field> remarks{{"", "/c"}, {"", "/d"}, {"", "/e"}};
    document.layout = {Table{"", "/rows", {{"LONG", "/a"}, {"B", "/b"}}, "", remarks}};
    EXPECT_EQ(render_text(document),
              "LONG  B\n"
              "x     y\n"
              "      more\n"
              "      still\n");
}

TEST(Text, FormatsOfValues) {
    const Json row{{"bytes", 1500},
                   {"short", 2.46},
                   {"long", 7434.9},
                   {"v4", {{"address", "10.0.0.2"}, {"port", 80}}},
                   {"v6", {{"address", "2001:db8::1"}, {"port", 80}}},
                   {"id", {{"address", "10.0.0.2"}, {"port", 0}}},
                   {"use", {{"used", 3}, {"capacity", 10}}},
                   {"list", {"a", "b"}},
                   {"none", Json::array()},
                   {"yes", true}};
    EXPECT_EQ(
        text_row({{"", "/bytes", Format::bytes},
                  {"", "/short", Format::duration},
                  {"", "/long", Format::duration},
                  {"", "/v4", Format::endpoint},
                  {"", "/v6", Format::endpoint},
                  {"", "/id", Format::endpoint},
                  {"", "/use", Format::usage},
                  {"", "/list"},
                  {"", "/none"},
                  {"", "/yes"}},
                 row),
        "1.5 kB  2.5s  7434s  10.0.0.2:80  [2001:db8::1]:80  10.0.0.2  3 of 10  a, b  -  yes\n");
}

TEST(Output, WarningsGoToStderrInText) {
    const auto text = capture(Mode::text, [](Output& output) { output.print(herd()); });
    EXPECT_EQ(text.err, "warning: a wolf\n");
}

TEST(Output, WarningsAreInTheJson) {
    const auto json = capture(Mode::json, [](Output& output) { output.print(herd()); });
    EXPECT_EQ(json.err, "");
    EXPECT_EQ(json.json()["schema"], "test.herd/1");
    EXPECT_EQ(json.json()["warnings"], Json({"a wolf"}));
    EXPECT_EQ(std::count(json.out.begin(), json.out.end(), '\n'), 1);
}

TEST(Output, PrettyIsTheSameDocument) {
    const auto print = [](Output& output) { output.print(herd()); };
    EXPECT_EQ(capture(Mode::json, print).json(), capture(Mode::pretty, print).json());
}

TEST(Output, NamesThatAreNotUtf8AreStillJson) {
    const auto result = capture(Mode::json, [](Output& output) {
        output.print(Document{"test/1", {{"name", "\xff\xfe"}}, {}, {}});
    });
    EXPECT_TRUE(result.json().contains("name"));
}

Stream numbers() { return {"test.numbers/1", "numbers", {{"N", "/n", Format::count, 3}}, "none"}; }

TEST(Stream, TextHasAHeadingAndAlignedRows) {
    const auto result = capture(Mode::text, [](Output& output) {
        output.begin(numbers());
        output.row({{"n", 1}});
        output.row({{"n", 22}});
        output.end({});
    });
    EXPECT_EQ(result.out, "  N\n  1\n 22\n");
}

TEST(Stream, JsonIsOneDocument) {
    for (const auto mode : {Mode::json, Mode::pretty}) {
        const auto result = capture(mode, [](Output& output) {
            output.begin(numbers());
            output.row({{"n", 1}});
            output.row({{"n", 22}});
            output.end({{"count", 2}});
        });
        EXPECT_EQ(result.json(), Json({{"schema", "test.numbers/1"},
                                       {"numbers", {{{"n", 1}}, {{"n", 22}}}},
                                       {"count", 2}}));
    }
}

TEST(Stream, WithoutRows) {
    const auto print = [](Output& output) {
        output.begin(numbers());
        output.end({{"count", 0}});
    };
    EXPECT_EQ(capture(Mode::text, print).out, "none\n");
    EXPECT_EQ(capture(Mode::json, print).json()["numbers"], Json::array());
}

TEST(Stream, ErrorOnTheWayLeavesOneDocument) {
    const auto result = capture(Mode::json, [](Output& output) {
        output.begin(numbers());
        output.row({{"n", 1}});
        output.print(Error{ErrorCode::failed, "out of numbers", "count again"});
    });
    EXPECT_EQ(result.json()["numbers"].size(), 1u);
    EXPECT_EQ(result.json()["error"]["message"], "out of numbers");
}

TEST(Printable, WhatATerminalWouldObeyIsShown) {
    EXPECT_EQ(printable("tap0\tup\n"), "tap0\tup\n");
    EXPECT_EQ(printable("a\x1b[2Jb\x7f\r"), "a\\x1b[2Jb\\x7f\\x0d");
    EXPECT_EQ(printable("t\xc3\xa4p \xe2\x82\xac \xf0\x9f\x90\x84"),
              "t\xc3\xa4p \xe2\x82\xac \xf0\x9f\x90\x84");
    EXPECT_EQ(printable("\xc2\x9b"
                        "31m"),
              "\\xc2\\x9b31m")
        << "a control character of ISO 6429";
    for (const char* wrong :
         {"\xc3", "\x80", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80"})
        EXPECT_TRUE(printable(wrong).starts_with("\\x")) << printable(wrong);
    EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82");
}

TEST(Output, NamesOfOthersDoNothingToTheTerminal) {
    const auto result = run_captured({"--instance", "a\x1b[2J", "status"});
    EXPECT_EQ(result.code, 2);
    EXPECT_EQ(result.err.find('\x1b'), std::string::npos) << result.err;
    EXPECT_NE(result.err.find("a\\x1b[2J"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace sluice::cli
