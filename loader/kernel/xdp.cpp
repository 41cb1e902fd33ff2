// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/xdp.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <xdp/libxdp.h>

#include <cerrno>
#include <memory>
#include <string>

#include "loader/base/fd.hpp"
#include "loader/kernel/bpffs.hpp"
#include "loader/kernel/link.hpp"
#include "loader/kernel/log.hpp"

namespace sluice {
namespace {

/// SEC("xdp.frags") of bpf/sluice_xdp.bpf.c.
constexpr std::string_view our_program = "sl_xdp";

struct CloseProgram {
    void operator()(xdp_program* program) const { xdp_program__close(program); }
};
struct CloseMultiprog {
    void operator()(xdp_multiprog* programs) const { xdp_multiprog__close(programs); }
};
using Program = std::unique_ptr<xdp_program, CloseProgram>;
using Multiprog = std::unique_ptr<xdp_multiprog, CloseMultiprog>;

/// libxdp returns errors as pointers.
template <class Owner, class Pointer>
Owner owned(Pointer* pointer) {
    return libxdp_get_error(pointer) == 0 ? Owner(pointer) : Owner();
}

/// What is on the interface; null when nothing is.
Multiprog programs_on(std::uint32_t ifindex) {
    return owned<Multiprog>(xdp_multiprog__get_from_ifindex(static_cast<int>(ifindex)));
}

Result<std::uint32_t> program_id(const Fd& program) {
    bpf_prog_info info{};
    __u32 size = sizeof(info);
    if (bpf_obj_get_info_by_fd(program.get(), &info, &size) != 0)
        return fail_errno(errno, "reading the XDP program's id");
    return info.id;
}

bool dispatcher_has(const xdp_multiprog* programs, std::uint32_t id) {
    const xdp_program* program = nullptr;
    while ((program = xdp_multiprog__next_prog(program, programs)) != nullptr)
        if (xdp_program__id(program) == id) return true;
    return false;
}

/// Whether an instance, of whatever network namespace, has pinned the program.
bool is_pinned(std::uint32_t id) {
    for (const auto& instance : pinned_instances()) {
        const Pins pins(instance);
        for (const auto& interface : pins.linked_interfaces()) {
            const Fd program(bpf_obj_get(pins.link(interface, "xdp").c_str()));
            if (const auto pinned = program ? program_id(program) : 0; pinned && *pinned == id)
                return true;
        }
    }
    return false;
}

/// Takes off a program of ours that no instance knows: its sluice died between attaching and
/// pinning it, or its pins were removed by hand.
/// @return whether there was one
bool remove_orphan(const Link& link, xdp_program* program) {
    if (program == nullptr || xdp_program__name(program) != our_program ||
        is_pinned(xdp_program__id(program)))
        return false;
    return xdp_program__detach(program, static_cast<int>(link.ifindex), XDP_MODE_UNSPEC, 0) == 0;
}

/// Makes room, and refuses an interface that another's program has to itself.
Result<> check_room(const Link& link) {
    if (link.xdp_program == 0) return {};
    const LogCapture quiet;
    const Multiprog programs = programs_on(link.ifindex);
    if (programs && !xdp_multiprog__is_legacy(programs.get())) {
        xdp_program* program = nullptr;
        while ((program = xdp_multiprog__next_prog(program, programs.get())) != nullptr)
            if (remove_orphan(link, program)) break;
        return {};
    }
    if (programs && remove_orphan(link, xdp_multiprog__main_prog(programs.get()))) return {};
    return fail(ErrorCode::refused,
                fmt::format("{} has another XDP program (id {}) that does not share", link.name,
                            link.xdp_program),
                "use `--hook tc`, or remove it: `ip link set dev " + link.name + " xdp off`");
}

std::unexpected<Error> attach_error(int err, const Link& link, const LogCapture& log) {
    const std::string what = fmt::format("attaching the XDP program to {}", link.name);
    switch (err) {
        case EOPNOTSUPP:
            return fail(ErrorCode::unsupported,
                        fmt::format("{}: driver {} has no native XDP", what,
                                    link.driver.empty() ? link.kind : link.driver),
                        "use `--hook tc`");
        case EBUSY:
        case EEXIST:
            return fail(ErrorCode::refused, what + ": another program is there",
                        "use `--hook tc`, or remove that program");
        default:
            return load_error(err, what, log);
    }
}

Result<> detach_single(const Fd& program, const Link& link) {
    bpf_xdp_attach_opts options{};
    options.sz = sizeof(options);
    options.old_prog_fd = program.get();
    const __u32 mode = link.xdp_mode == XdpMode::generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
    const int err =
        -bpf_xdp_detach(static_cast<int>(link.ifindex), mode | XDP_FLAGS_REPLACE, &options);
    if (err != 0) return fail_errno(err, "detaching the XDP program from " + link.name);
    return {};
}

Result<> detach_from_dispatcher(const std::filesystem::path& pin, const Link& link) {
    const LogCapture log;
    const auto program = owned<Program>(xdp_program__from_pin(pin.c_str()));
    if (!program) return fail(ErrorCode::failed, "can't open " + pin.string() + log.tail());
    const int err =
        -xdp_program__detach(program.get(), static_cast<int>(link.ifindex), XDP_MODE_UNSPEC, 0);
    if (err != 0) return fail_errno(err, "leaving the XDP dispatcher of " + link.name + log.tail());
    return {};
}

}  // namespace

std::string_view xdp_method_text(XdpMethod method) {
    return method == XdpMethod::dispatcher ? "dispatcher" : "single";
}

Result<XdpMethod> attach_xdp(bpf_object* object, std::uint32_t ifindex,
                             const std::filesystem::path& pin) {
    SL_TRY(before, query_xdp(ifindex, pin));
    if (before) return before->method;
    SL_CHECK(unpin(pin));  // of an interface that is gone
    SL_TRY(link, find_link(ifindex));
    SL_CHECK(check_room(link));

    const LogCapture log;
    xdp_program_opts options{};
    options.sz = sizeof(options);
    options.obj = object;
    const auto program = owned<Program>(xdp_program__create(&options));
    if (!program) return fail(ErrorCode::failed, "can't prepare the XDP program" + log.tail());
    const int err =
        -xdp_program__attach(program.get(), static_cast<int>(ifindex), XDP_MODE_NATIVE, 0);
    if (err != 0) return attach_error(err, link, log);

    if (bpf_obj_pin(xdp_program__fd(program.get()), pin.c_str()) != 0) {
        const int pin_err = errno;
        xdp_program__detach(program.get(), static_cast<int>(ifindex), XDP_MODE_NATIVE, 0);
        return fail_errno(pin_err, "pinning " + pin.string());
    }
    SL_TRY(attached, query_xdp(ifindex, pin));
    if (!attached) {
        SL_CHECK(unpin(pin));
        return fail(ErrorCode::failed,
                    fmt::format("the XDP program did not stay on {}", link.name));
    }
    return attached->method;
}

Result<> detach_xdp(std::uint32_t ifindex, const std::filesystem::path& pin) {
    SL_TRY(attached, query_xdp(ifindex, pin));
    if (attached) {
        SL_TRY(link, find_link(ifindex));
        if (attached->method == XdpMethod::single)
            SL_CHECK(detach_single(Fd(bpf_obj_get(pin.c_str())), link));
        else
            SL_CHECK(detach_from_dispatcher(pin, link));
    }
    return unpin(pin);
}

Result<std::optional<XdpAttachment>> query_xdp(std::uint32_t ifindex,
                                               const std::filesystem::path& pin) {
    const Fd program(bpf_obj_get(pin.c_str()));
    if (!program) return std::nullopt;
    SL_TRY(id, program_id(program));
    const auto link = find_link(ifindex);
    if (!link || link->xdp_program == 0) return std::nullopt;
    if (link->xdp_program == id) return XdpAttachment{XdpMethod::single, id};
    const LogCapture quiet;
    const Multiprog programs = programs_on(ifindex);
    if (programs && !xdp_multiprog__is_legacy(programs.get()) && dispatcher_has(programs.get(), id))
        return XdpAttachment{XdpMethod::dispatcher, id};
    return std::nullopt;
}

}  // namespace sluice
