// SPDX-License-Identifier: GPL-2.0-or-later
// An HTTP server for few and short answers that no client can keep from the others, whatever it
// sends and however slowly: cpp-httplib with bounds on time, bytes and connections.
#pragma once

#include <httplib.h>

#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>

namespace sluice::cli {

/// What one client may have. A connection is for one request.
struct HttpBounds {
    std::chrono::milliseconds to_ask{5'000};      ///< until the request is whole
    std::chrono::milliseconds to_answer{30'000};  ///< from then until the answer is taken
    std::size_t bytes = 16'384;                   ///< of a request: its line and headers
    std::size_t connections = 64;                 ///< of all clients at once
};

/// Answers GET and HEAD. When more connect than may, whoever has been asking for longest is cut
/// off: a request that is sent at once does not wait for those that are not. Handlers are called
/// from several threads.
class HttpServer : public httplib::Server {
public:
    explicit HttpServer(HttpBounds bounds = {});

private:
    class Connection;
    class Threads;

    bool process_and_close_socket(socket_t socket) override;
    void make_room();
    void answering(Connection& connection);

    static thread_local Connection* served;

    HttpBounds bounds_;
    std::mutex mutex_;
    std::size_t open_ = 0;           ///< accepted and not closed yet
    std::list<Connection*> asking_;  ///< whose request is not whole, the oldest first
};

}  // namespace sluice::cli
