// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/http/server.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace sluice::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int method_not_allowed = 405;  // RFC 9110 section 15.5.6

}  // namespace

/// A client's socket, which ends when its time is over or it has sent too much.
class HttpServer::Connection : public httplib::Stream {
public:
    Connection(socket_t socket, const HttpBounds& bounds)
        : socket_(socket), bytes_left_(bounds.bytes), deadline_(Clock::now() + bounds.to_ask) {}

    void answer_within(std::chrono::milliseconds time) { deadline_ = Clock::now() + time; }
    /// The thread that waits for the socket sees its end.
    void cut_off() const { ::shutdown(socket_, SHUT_RDWR); }

    [[nodiscard]] bool is_readable() const override { return waited_for(POLLIN); }
    [[nodiscard]] bool is_writable() const override { return waited_for(POLLOUT); }

    ssize_t read(char* to, size_t size) override {
        if (bytes_left_ == 0 || !is_readable()) return -1;
        const auto length = ::recv(socket_, to, std::min(size, bytes_left_), 0);
        if (length > 0) bytes_left_ -= static_cast<std::size_t>(length);
        return length;
    }

    ssize_t write(const char* from, size_t size) override {
        return is_writable() ? ::send(socket_, from, size, MSG_NOSIGNAL | MSG_DONTWAIT) : -1;
    }

    void get_remote_ip_and_port(std::string&, int&) const override {}
    void get_local_ip_and_port(std::string&, int&) const override {}
    [[nodiscard]] socket_t socket() const override { return socket_; }

private:
    [[nodiscard]] bool waited_for(short event) const {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now());
        if (left.count() <= 0) return false;
        pollfd one{.fd = socket_, .events = event, .revents = 0};
        return ::poll(&one, 1, static_cast<int>(left.count())) == 1;
    }

    socket_t socket_;
    std::size_t bytes_left_;
    Clock::time_point deadline_;
};

/// One for each connection; before one more is taken in there is room for it.
class HttpServer::Threads : public httplib::TaskQueue {
public:
    explicit Threads(HttpServer& server) : server_(server), pool_(server.bounds_.connections) {}
    void enqueue(std::function<void()> serve) override {
        server_.make_room();
        pool_.enqueue(std::move(serve));
    }
    void shutdown() override { pool_.shutdown(); }

private:
    HttpServer& server_;
    httplib::ThreadPool pool_;
};

/// Which connection this thread serves: handlers are given the request alone.
thread_local HttpServer::Connection* HttpServer::served = nullptr;

HttpServer::HttpServer(HttpBounds bounds) : bounds_(bounds) {
    new_task_queue = [this] { return new Threads(*this); };
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
        if (request.method != "GET" && request.method != "HEAD") {
            response.status = method_not_allowed;
            response.set_header("Allow", "GET, HEAD");
            return HandlerResponse::Handled;  // what it wanted to send is not read
        }
        answering(*served);
        return HandlerResponse::Unhandled;
    });
}

void HttpServer::make_room() {
    const std::lock_guard lock(mutex_);
    if (++open_ <= bounds_.connections || asking_.empty()) return;
    asking_.front()->cut_off();
    asking_.pop_front();
}

void HttpServer::answering(Connection& connection) {
    const std::lock_guard lock(mutex_);
    asking_.remove(&connection);
    connection.answer_within(bounds_.to_answer);
}

bool HttpServer::process_and_close_socket(socket_t socket) {
    Connection connection(socket, bounds_);
    served = &connection;
    {
        const std::lock_guard lock(mutex_);
        asking_.push_back(&connection);
    }
    bool closed = false;
    const bool done = process_request(connection, true, closed, nullptr);
    {
        const std::lock_guard lock(mutex_);
        asking_.remove(&connection);
        --open_;
    }
    connection.cut_off();
    ::close(socket);
    return done;
}

}  // namespace sluice::cli
