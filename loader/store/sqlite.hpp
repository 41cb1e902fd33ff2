// SPDX-License-Identifier: GPL-2.0-or-later
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

/// Bytes that are no text.
struct Blob {
    std::string_view bytes;
};

/// One prepared statement. Parameters are bound in order, columns read by number from 0.
class Statement {
public:
    Statement& bind(std::int64_t value);
    Statement& bind(std::string_view text);
    Statement& bind(const Blob& blob);

    /// @return true: a row is there to read; false: done
    [[nodiscard]] Result<bool> step();
    /// Steps a statement that gives no rows. @return how many rows it changed
    [[nodiscard]] Result<int> run();

    /// Steps to the end. @param visit Result<>(): called at each row; its error ends the walk
    template <class Visit>
    [[nodiscard]] Result<> each_row(Visit&& visit) {
        while (true) {
            SL_TRY(more, step());
            if (!more) return {};
            SL_CHECK(visit());
        }
    }

    /// Makes it ready to be bound and stepped anew.
    void reset();

    [[nodiscard]] bool is_null(int column) const;
    /// A column of the number's type; another type of column reads as 0.
    template <class Number = std::int64_t>
    [[nodiscard]] Number integer(int column) const {
        return static_cast<Number>(sqlite3_column_int64(statement_.get(), column));
    }
    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] std::string blob(int column) const;

private:
    friend class Connection;
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };
    explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    int bound_ = 0;
};

/// One open database. Not thread-safe.
class Connection {
public:
    enum class Mode { create, open, read_only };

    /// In WAL, synchronous=FULL, with foreign keys; waits 5 s for another connection's lock.
    /// One that is made is readable to its owner alone. Errors: not_found, permission, refused
    /// (made by a newer version), failed (corrupt, empty, or another program's).
    /// @param schema migrations in order: number n brings user_version from n to n + 1
    [[nodiscard]] static Result<Connection> open(const std::filesystem::path& path, Mode mode,
                                                 std::span<const char* const> schema);

    [[nodiscard]] Result<Statement> prepare(std::string_view sql) const;
    [[nodiscard]] Result<> execute(const char* sql) const;

    /// @return how many rows it changed
    template <class... Values>
    [[nodiscard]] Result<int> run(std::string_view sql, const Values&... values) const {
        SL_TRY(statement, prepare(sql));
        (statement.bind(values), ...);
        return statement.run();
    }

private:
    friend class Transaction;
    struct Close {
        void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
    };
    explicit Connection(sqlite3* handle) : handle_(handle) {}
    [[nodiscard]] static Result<Connection> open_file(const std::filesystem::path& path,
                                                      int access);
    [[nodiscard]] static Result<> make(const std::filesystem::path& path,
                                       std::span<const char* const> schema);
    [[nodiscard]] Result<> check() const;
    [[nodiscard]] Result<std::int64_t> user_version() const;
    [[nodiscard]] Result<> migrate(Mode mode, std::span<const char* const> schema) const;
    [[nodiscard]] Result<> migrate_from(std::int64_t from,
                                        std::span<const char* const> schema) const;

    std::unique_ptr<sqlite3, Close> handle_;
};

/// Rolls back when it goes unless committed.
class Transaction {
public:
    /// BEGIN IMMEDIATE: the outermost, for a writer.
    [[nodiscard]] static Result<Transaction> begin(const Connection& connection);
    /// A savepoint: all or nothing within an open transaction; alone, a transaction that takes
    /// no lock until it writes, and reads one state throughout.
    [[nodiscard]] static Result<Transaction> nested(const Connection& connection);

    Transaction(Transaction&& other) noexcept
        : handle_(std::exchange(other.handle_, nullptr)), nested_(other.nested_) {}
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();

    [[nodiscard]] Result<> commit();
    /// For a caller that wants to know; the destructor does the same.
    [[nodiscard]] Result<> rollback();

private:
    Transaction(sqlite3* handle, bool nested) : handle_(handle), nested_(nested) {}

    sqlite3* handle_;  ///< null once it is over
    bool nested_;
};

}  // namespace sluice
