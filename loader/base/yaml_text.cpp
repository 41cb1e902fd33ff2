// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/base/yaml_text.hpp"

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <sstream>

#include "sluice/units.hpp"

namespace sluice {
namespace {

/// yaml-cpp takes 0x04 for the end of the file, and control characters have no business in one.
Result<> check_characters(const YamlFile& file, std::string_view text) {
    YAML::Mark mark;
    for (const char letter : text) {
        const auto code = static_cast<unsigned char>(letter);
        if ((code < ' ' && letter != '\t' && letter != '\n' && letter != '\r') || code == 0x7f)
            return file.fail_at(mark, fmt::format("a control character (0x{:02x})", code),
                                "is this YAML, in UTF-8?");
        ++mark.column;
        if (letter == '\n') {
            ++mark.line;
            mark.column = 0;
        }
    }
    return {};
}

/// Finds where yaml-cpp missed something: at the end of the text it has forgotten the column.
YAML::Mark mark_within(std::string_view text, YAML::Mark mark) {
    if (mark.pos >= 0 && static_cast<std::size_t>(mark.pos) >= text.size())
        mark.column = static_cast<int>(text.size() - (text.rfind('\n') + 1));
    return mark;
}

/// Where the last document began.
class LastDocument : public YAML::EventHandler {
public:
    YAML::Mark mark;

    void OnDocumentStart(const YAML::Mark& at) override { mark = at; }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  const std::string&) override {}
    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {}
    void OnMapEnd() override {}
};

/// YAML::Load() reads the first and is silent about what comes behind it; YAML::LoadAll() finds
/// documents without end in `,`. Throws what yaml-cpp throws.
Result<> check_one_document(const YamlFile& file, const std::string& text) {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    LastDocument last;
    if (!parser.HandleNextDocument(last) || !parser.HandleNextDocument(last)) return {};
    return file.fail_at(last.mark, "the document ends before this",
                        "write one document: no `---` or `...` within the file");
}

/// Throws what yaml-cpp throws.
Result<> read_document_of(const YamlFile& file, const std::string& text, const YamlText& yaml,
                          const std::function<Result<>(const YAML::Node&)>& read) {
    SL_CHECK(check_one_document(file, text));
    const auto root = YAML::Load(text);
    if (root.IsNull() || (root.IsMap() && root.size() == 0))
        return file.fail_at({}, "there is nothing in it",
                            fmt::format("keys of the file: {}", yaml.keys));
    return read(root);
}

}  // namespace

Result<> read_yaml(const YamlFile& file, const YamlText& yaml,
                   const std::function<Result<>(const YAML::Node& root)>& read) {
    auto text = yaml.text;
    if (text.size() > yaml.largest)
        return file.fail_at({}, fmt::format("{} are too many", bytes_text(text.size())),
                            fmt::format("at most {} are read", bytes_text(yaml.largest)));
    SL_CHECK(check_characters(file, text));
    // Behind a blank at the end, yaml-cpp would not miss the end of a quoted text.
    text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
    try {
        return read_document_of(file, std::string(text), yaml, read);
    } catch (const YAML::DeepRecursion& deep) {
        return file.fail_at(deep.mark, "lists or maps within each other, too deep",
                            fmt::format("keys of the file: {}", yaml.keys));
    } catch (const YAML::Exception& wrong) {
        return file.fail_at(mark_within(text, wrong.mark), fmt::format("no YAML: {}", wrong.msg),
                            "lines of one list or map begin in the same column, with spaces");
    } catch (const std::exception& wrong) {
        return file.fail_at({}, fmt::format("it could not be read: {}", wrong.what()), {});
    }
}

}  // namespace sluice
