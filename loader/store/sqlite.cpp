// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/store/sqlite.hpp"

#include <fmt/format.h>

#include <cerrno>

#include "loader/base/private_file.hpp"

namespace sluice {
namespace {

constexpr int busy_timeout_ms = 5000;
constexpr int most_pages_checked = 1024;  // 4 MB: some ten milliseconds

Error damaged(std::string_view path, std::string_view reason) {
    return {ErrorCode::failed, fmt::format("the database {} is damaged: {}", path, reason),
            "take it from a backup, or move it away and set the instance up anew"};
}

/// What the handle's last failure means.
Error sqlite_error(sqlite3* handle) {
    const char* name = sqlite3_db_filename(handle, nullptr);
    const std::string path = name != nullptr ? name : "";
    const std::string reason = sqlite3_errmsg(handle);
    switch (sqlite3_errcode(handle)) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return damaged(path, reason);
        case SQLITE_BUSY:
            return {ErrorCode::refused, fmt::format("the database {} is in use", path),
                    "wait for the other sluice command to end"};
        case SQLITE_PERM:
        case SQLITE_READONLY:
        case SQLITE_AUTH:
            return {ErrorCode::permission, fmt::format("{}: {}", path, reason), "run it as root"};
        case SQLITE_CANTOPEN:
            return fail_errno(sqlite3_system_errno(handle), path).error();
        default:
            return {ErrorCode::failed, fmt::format("{}: {}", path, reason), ""};
    }
}

Result<> run_sql(sqlite3* handle, const char* sql) {
    if (sqlite3_exec(handle, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        return std::unexpected(sqlite_error(handle));
    return {};
}

}  // namespace

Statement& Statement::bind(std::int64_t value) {
    sqlite3_bind_int64(statement_.get(), ++bound_, value);
    return *this;
}

Statement& Statement::bind(std::string_view text) {
    sqlite3_bind_text(statement_.get(), ++bound_, text.data(), static_cast<int>(text.size()),
                      SQLITE_TRANSIENT);
    return *this;
}

Statement& Statement::bind(const Blob& blob) {
    sqlite3_bind_blob64(statement_.get(), ++bound_, blob.bytes.data(), blob.bytes.size(),
                        SQLITE_TRANSIENT);
    return *this;
}

Result<bool> Statement::step() {
    switch (sqlite3_step(statement_.get())) {
        case SQLITE_ROW:
            return true;
        case SQLITE_DONE:
            return false;
        default:
            return std::unexpected(sqlite_error(sqlite3_db_handle(statement_.get())));
    }
}

Result<int> Statement::run() {
    SL_CHECK(step());
    return sqlite3_changes(sqlite3_db_handle(statement_.get()));
}

void Statement::reset() {
    sqlite3_reset(statement_.get());
    bound_ = 0;
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::string Statement::text(int column) const {
    const unsigned char* text = sqlite3_column_text(statement_.get(), column);
    return text != nullptr ? reinterpret_cast<const char*>(text) : "";
}

std::string Statement::blob(int column) const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return bytes != nullptr ? std::string(bytes, size) : std::string();
}

Result<Connection> Connection::open_file(const std::filesystem::path& path, int access) {
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &handle, access, nullptr);
    Connection connection(handle);
    if (handle == nullptr) return fail_errno(ENOMEM, path.string());
    if (code != SQLITE_OK) return std::unexpected(sqlite_error(handle));
    sqlite3_busy_timeout(handle, busy_timeout_ms);
    return connection;
}

/// Under another name, so that a database that is there is whole: one without tables has lost what
/// it had, and is not taken for a new one.
Result<> Connection::make(const std::filesystem::path& path, std::span<const char* const> schema) {
    const auto aside = path.string() + ".new";
    for (const auto* of_a_killed_writer : {"", "-journal"}) {
        std::error_code ignored;  // open_file() tells what can't be replaced
        std::filesystem::remove(aside + of_a_killed_writer, ignored);
    }
    SL_CHECK(open_private_file(aside));
    {
        SL_TRY(connection, open_file(aside, SQLITE_OPEN_READWRITE));
        SL_CHECK(connection.execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON"));
        SL_CHECK(connection.migrate_from(0, schema));
    }
    std::error_code error;
    std::filesystem::rename(aside, path, error);
    if (error) return fail_errno(error.value(), "renaming " + aside);
    return {};
}

Result<Connection> Connection::open(const std::filesystem::path& path, Mode mode,
                                    std::span<const char* const> schema) {
    if (!std::filesystem::exists(path)) {
        if (mode != Mode::create)
            return fail(ErrorCode::not_found, fmt::format("no database at {}", path.string()));
        SL_CHECK(make(path, schema));
    }
    SL_TRY(connection,
           open_file(path, mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE));
    SL_CHECK(connection.check());
    if (mode != Mode::read_only) SL_CHECK(connection.execute("PRAGMA journal_mode = WAL"));
    SL_CHECK(connection.execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON"));
    SL_CHECK(connection.migrate(mode, schema));
    return std::move(connection);
}

/// A damaged page is to be met here, with a name, and not in the middle of a change; but a million
/// leases are not read through for each command.
Result<> Connection::check() const {
    SL_TRY(pages, prepare("PRAGMA page_count"));
    SL_CHECK(pages.step());
    if (pages.integer(0) > most_pages_checked) return {};
    SL_TRY(statement, prepare("PRAGMA quick_check(1)"));
    SL_CHECK(statement.step());
    if (const std::string found = statement.text(0); found != "ok")
        return std::unexpected(damaged(sqlite3_db_filename(handle_.get(), nullptr), found));
    return {};
}

Result<std::int64_t> Connection::user_version() const {
    SL_TRY(statement, prepare("PRAGMA user_version"));
    SL_CHECK(statement.step());
    return statement.integer(0);
}

Result<> Connection::migrate(Mode mode, std::span<const char* const> schema) const {
    const auto newest = static_cast<std::int64_t>(schema.size());
    SL_TRY(found, user_version());
    if (found == newest) return {};
    const std::string path = sqlite3_db_filename(handle_.get(), nullptr);
    if (found > newest)
        return fail(ErrorCode::refused,
                    fmt::format("{} was written by a newer sluice (schema {}, this one knows {})",
                                path, found, newest),
                    "use that version of sluice");
    if (found == 0) return std::unexpected(damaged(path, "there is nothing of sluice's in it"));
    if (mode == Mode::read_only)
        return fail(ErrorCode::refused,
                    fmt::format("{} was written by an older sluice (schema {})", path, found),
                    "`sluice restore` brings it up to date");

    return migrate_from(found, schema);
}

Result<> Connection::migrate_from(std::int64_t from, std::span<const char* const> schema) const {
    SL_TRY(transaction, Transaction::begin(*this));
    SL_TRY(now, user_version());
    if (now != from) return {};  // another process was first
    for (const char* step : schema.subspan(static_cast<std::size_t>(from))) SL_CHECK(execute(step));
    SL_CHECK(execute(fmt::format("PRAGMA user_version = {}", schema.size()).c_str()));
    return transaction.commit();
}

Result<Statement> Connection::prepare(std::string_view sql) const {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &statement,
                           nullptr) != SQLITE_OK)
        return std::unexpected(sqlite_error(handle_.get()));
    return Statement(statement);
}

Result<> Connection::execute(const char* sql) const { return run_sql(handle_.get(), sql); }

Result<Transaction> Transaction::begin(const Connection& connection) {
    SL_CHECK(connection.execute("BEGIN IMMEDIATE"));
    return Transaction(connection.handle_.get(), false);
}

Result<Transaction> Transaction::nested(const Connection& connection) {
    SL_CHECK(connection.execute("SAVEPOINT nested"));
    return Transaction(connection.handle_.get(), true);
}

Transaction::~Transaction() { static_cast<void>(rollback()); }

Result<> Transaction::commit() {
    SL_CHECK(run_sql(handle_, nested_ ? "RELEASE nested" : "COMMIT"));
    handle_ = nullptr;
    return {};
}

Result<> Transaction::rollback() {
    if (handle_ == nullptr) return {};
    return run_sql(std::exchange(handle_, nullptr),
                   nested_ ? "ROLLBACK TO nested; RELEASE nested" : "ROLLBACK");
}

}  // namespace sluice
