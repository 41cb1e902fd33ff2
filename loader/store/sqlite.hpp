// SQLite with our errors and owned handles.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "sluice/error.hpp"

namespace sluice {

class Connection;

/// One prepared statement. Parameters are bound in order, columns read by number from 0.
class Statement {
public:
    Statement& bind(std::int64_t value);
    Statement& bind(std::string_view text);

    /// @return true: a row is there to read; false: done
    [[nodiscard]] Result<bool> step();
    /// Steps a statement that gives no rows. @return how many rows it changed
    [[nodiscard]] Result<int> run();

    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::string text(int column) const;

private:
    friend class Connection;
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };
    Statement(sqlite3_stmt* statement, const Connection& connection)
        : statement_(statement), connection_(&connection) {}

    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    const Connection* connection_;
    int bound_ = 0;
};

/// One open database. Not thread-safe. Must outlive (and not be moved under) its statements.
class Connection {
public:
    enum class Mode { create, open, read_only };

    /// In WAL, synchronous=FULL, with foreign keys; waits 5 s for another connection's lock.
    /// Errors: not_found, permission, failed (corrupt: with a hint what to do).
    /// @param schema migrations in order: number n brings user_version from n to n + 1
    [[nodiscard]] static Result<Connection> open(const std::filesystem::path& path, Mode mode,
                                                 std::span<const char* const> schema);

    [[nodiscard]] Result<Statement> prepare(std::string_view sql) const;
    [[nodiscard]] Result<> execute(const char* sql) const;
    [[nodiscard]] Error error(int code) const;  ///< what the last call's failure means

private:
    struct Close {
        void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
    };
    [[nodiscard]] Result<> migrate(std::span<const char* const> schema, Mode mode) const;

    std::unique_ptr<sqlite3, Close> handle_;
    std::string path_;
};

/// BEGIN IMMEDIATE; rolls back when it goes unless committed. One at a time a connection.
class Transaction {
public:
    [[nodiscard]] static Result<Transaction> begin(const Connection& connection);
    Transaction(Transaction&& other) noexcept
        : connection_(std::exchange(other.connection_, nullptr)) {}
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();

    [[nodiscard]] Result<> commit();
    [[nodiscard]] Result<> rollback();

private:
    explicit Transaction(const Connection& connection) : connection_(&connection) {}
    const Connection* connection_;
};

}  // namespace sluice
