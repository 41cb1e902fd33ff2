// What libbpf and libxdp have to say: kept for error messages, never printed.
#pragma once

#include <string>

namespace sluice {

/// While one lives, both libraries' warnings on its thread go into text(); an inner one takes
/// them from an outer.
class LogCapture {
public:
    LogCapture();
    LogCapture(const LogCapture&) = delete;
    LogCapture& operator=(const LogCapture&) = delete;
    ~LogCapture();

    [[nodiscard]] const std::string& text() const { return text_; }
    /// The last lines, each after a newline; empty when nothing was said. Of a refused
    /// program that is the end of the verifier's log, where the reason stands.
    [[nodiscard]] std::string tail() const;

private:
    std::string text_;
    std::string* outer_;
};

}  // namespace sluice
