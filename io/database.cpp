// The rows of a SQL query as JSON lines, through ODBC: whatever database has a driver. Nothing is changed there: what gives no table
// is refused before it is executed, the connection only reads where the database knows how, and its transaction is taken back.
#include <sql.h>
#include <sqlext.h>

#include <array>
#include <cctype>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "io/remote_store.h"
#include "io/secret.h"

namespace rankflow {
namespace {

constexpr std::size_t block = 1 << 20;
constexpr const char* fails = "the query fails";

/// An ODBC handle: environment, connection or statement.
class Handle {
 public:
  Handle(SQLSMALLINT kind, SQLHANDLE parent) : kind_(kind) {
    if (!SQL_SUCCEEDED(SQLAllocHandle(kind, parent, &handle_)))
      throw Error(ExitStatus::internal, "ODBC cannot start");
  }
  ~Handle() { SQLFreeHandle(kind_, handle_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  SQLHANDLE get() const { return handle_; }

  /// Throws Error with the driver's own words, which hold no password.
  void check(SQLRETURN result, const std::string& doing) const {
    if (SQL_SUCCEEDED(result)) return;
    std::array<SQLCHAR, 6> state{};
    std::array<SQLCHAR, 1024> text{};
    SQLINTEGER native = 0;
    SQLSMALLINT length = 0;
    SQLGetDiagRec(kind_, handle_, 1, state.data(), &native, text.data(), text.size(), &length);
    const std::string code(reinterpret_cast<const char*>(state.data())),
        message(reinterpret_cast<const char*>(text.data()));
    // PostgreSQL's driver has one state, 08001, for all that goes wrong while it connects.
    const bool denied = code.starts_with("28") || message.find("authentication failed") != std::string::npos;
    throw Error(denied ? ExitStatus::permission : ExitStatus::io,
                str(doing, ": ", trim(message), " (", code, ")"));
  }

 private:
  SQLSMALLINT kind_;
  SQLHANDLE handle_ = nullptr;
};

/// Whether the database keeps values of any type in any column, as SQLite does.
bool types_belong_to_values(const std::string& database) {
  return database == "SQLite";
}

/// The statement after which a connection changes nothing more; "" where none is known.
std::string read_only_statement(const std::string& database) {
  if (database == "SQLite") return "PRAGMA query_only = ON";
  if (database == "PostgreSQL") return "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY";
  if (database == "MySQL" || database == "MariaDB") return "SET SESSION TRANSACTION READ ONLY";
  return "";
}

SQLCHAR* sql_text(const std::string& text) {
  return reinterpret_cast<SQLCHAR*>(const_cast<char*>(text.c_str()));
}

/// A connection in one transaction, which is taken back at the end.
class Session {
 public:
  explicit Session(const std::string& connection)
      : environment_(SQL_HANDLE_ENV, SQL_NULL_HANDLE),
        connection_(SQL_HANDLE_DBC, third_version(environment_)) {
    connection_.check(SQLDriverConnect(connection_.get(), nullptr, sql_text(connection), SQL_NTS, nullptr, 0,
                                       nullptr, SQL_DRIVER_NOPROMPT),
                      "cannot connect to the database");
  }
  ~Session() {
    SQLEndTran(SQL_HANDLE_DBC, connection_.get(), SQL_ROLLBACK);
    SQLDisconnect(connection_.get());
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// To be called before anything is asked.
  void only_read() {
    const std::string doing = "cannot make the connection one that only reads";
    std::array<SQLCHAR, 128> name{};
    connection_.check(SQLGetInfo(connection_.get(), SQL_DBMS_NAME, name.data(), name.size(), nullptr), doing);
    database_ = reinterpret_cast<const char*>(name.data());
    if (const std::string sql = read_only_statement(database_); !sql.empty()) {
      const Handle statement(SQL_HANDLE_STMT, connection_.get());
      statement.check(SQLExecDirect(statement.get(), sql_text(sql), SQL_NTS), doing);
    }
    SQLUSMALLINT transactions = SQL_TC_NONE;
    connection_.check(
        SQLGetInfo(connection_.get(), SQL_TXN_CAPABLE, &transactions, sizeof transactions, nullptr), doing);
    if (transactions == SQL_TC_NONE) return;
    connection_.check(SQLSetConnectAttr(connection_.get(), SQL_ATTR_AUTOCOMMIT,
                                        reinterpret_cast<SQLPOINTER>(SQL_AUTOCOMMIT_OFF), 0),
                      doing);
  }

  SQLHANDLE get() const { return connection_.get(); }
  const std::string& database() const { return database_; }

 private:
  /// A connection can be made once the environment knows which version of ODBC is meant.
  static SQLHANDLE third_version(const Handle& environment) {
    environment.check(SQLSetEnvAttr(environment.get(), SQL_ATTR_ODBC_VERSION,
                                    reinterpret_cast<SQLPOINTER>(SQL_OV_ODBC3), 0),
                      "ODBC cannot start");
    return environment.get();
  }

  Handle environment_, connection_;
  std::string database_;
};

enum class Kind { integer, real, boolean, text };

struct Column {
  std::string name;
  Kind kind = Kind::text;
};

Kind kind_of(SQLSMALLINT type) {
  switch (type) {
    case SQL_TINYINT:
    case SQL_SMALLINT:
    case SQL_INTEGER:
    case SQL_BIGINT:
      return Kind::integer;
    case SQL_REAL:
    case SQL_FLOAT:
    case SQL_DOUBLE:
    case SQL_NUMERIC:
    case SQL_DECIMAL:
      return Kind::real;
    case SQL_BIT:
      return Kind::boolean;
    default:
      return Kind::text;
  }
}

/// A query that gives one row for the `count` columns of `query`, in SQLite's words: 0 no values, 1 integers, 2 also reals, 3 also
/// texts or bytes.
std::string widest_types(std::string query, int count) {
  while (!query.empty() && (query.back() == ';' || std::isspace(static_cast<unsigned char>(query.back()))))
    query.pop_back();
  std::string names, types;
  for (int c = 0; c < count; ++c) {
    const std::string comma = c ? ", " : "";
    names += str(comma, "c", c);
    types += str(comma, "max(CASE typeof(c", c,
                 ") WHEN 'null' THEN 0 WHEN 'integer' THEN 1 WHEN 'real' THEN 2 ELSE 3 END)");
  }
  // The line end is for a query that ends with a comment.
  return str("WITH q(", names, ") AS (", query, "\n) SELECT ", types, " FROM q");
}

/// A statement that gives a table.
class Query {
 public:
  Query(const Session& session, const std::string& text) : statement_(SQL_HANDLE_STMT, session.get()) {
    statement_.check(SQLPrepare(statement_.get(), sql_text(text), SQL_NTS), fails);
    SQLSMALLINT count = 0;
    statement_.check(SQLNumResultCols(statement_.get(), &count), fails);
    if (count <= 0)
      throw Error(ExitStatus::configuration, "the query gives no table: it is no SELECT",
                  "a SELECT; what changes a database is no input, and was not executed");
    if (types_belong_to_values(session.database())) kinds_ = kinds_of_values(session, text, count);
    statement_.check(SQLExecute(statement_.get()), fails);
    for (SQLSMALLINT c = 1; c <= count; ++c) columns_.push_back(describe(c));
  }

  /// The next row; nullopt at the end.
  std::optional<Json> next() {
    const SQLRETURN result = SQLFetch(statement_.get());
    if (result == SQL_NO_DATA) return std::nullopt;
    ++row_;
    statement_.check(result, str("row ", row_, " of the query"));
    Json row = Json::object();
    for (std::size_t c = 0; c < columns_.size(); ++c)
      row[columns_[c].name] = cell(static_cast<SQLUSMALLINT>(c + 1), columns_[c]);
    return row;
  }

 private:
  /// What the database itself calls the type of a column.
  std::string type_name(SQLSMALLINT number) const {
    std::array<SQLCHAR, 128> text{};
    statement_.check(SQLColAttribute(statement_.get(), static_cast<SQLUSMALLINT>(number), SQL_DESC_TYPE_NAME,
                                     text.data(), text.size(), nullptr, nullptr),
                     fails);
    return reinterpret_cast<const char*>(text.data());
  }

  Column describe(SQLSMALLINT number) const {
    std::array<SQLCHAR, 1024> name{};
    SQLSMALLINT length = 0, type = 0, digits = 0, nullable = 0;
    SQLULEN size = 0;
    statement_.check(SQLDescribeCol(statement_.get(), static_cast<SQLUSMALLINT>(number), name.data(),
                                    name.size(), &length, &type, &size, &digits, &nullable),
                     fails);
    Column column{reinterpret_cast<const char*>(name.data()), kind_of(type)};
    if (type_name(number) == "bool") column.kind = Kind::boolean;  // PostgreSQL's driver calls it a text
    if (!kinds_.empty()) {
      const Kind kind = kinds_[static_cast<std::size_t>(number) - 1];
      if (kind != Kind::integer || column.kind != Kind::boolean) column.kind = kind;  // true is kept as 1
    }
    if (column.name.empty())
      throw Error(ExitStatus::configuration, str("column ", number, " of the query has no name"),
                  "SELECT … AS name");
    for (const Column& before : columns_) {
      if (before.name == column.name)
        throw Error(ExitStatus::configuration, str("the query has two columns ", in_quotes(column.name)),
                    "SELECT … AS name");
    }
    return column;
  }

  /// What the values of each column are, by one more run of the query: what the driver says is declared, or the first row's.
  static std::vector<Kind> kinds_of_values(const Session& session, const std::string& text,
                                           SQLSMALLINT count) {
    const Handle statement(SQL_HANDLE_STMT, session.get());
    statement.check(SQLExecDirect(statement.get(), sql_text(widest_types(text, count)), SQL_NTS), fails);
    statement.check(SQLFetch(statement.get()), fails);
    std::vector<Kind> kinds;
    for (SQLSMALLINT c = 1; c <= count; ++c) {
      SQLBIGINT rank = 0;
      SQLLEN length = 0;
      statement.check(SQLGetData(statement.get(), static_cast<SQLUSMALLINT>(c), SQL_C_SBIGINT, &rank,
                                 sizeof rank, &length),
                      fails);
      kinds.push_back(rank == 1 ? Kind::integer : rank == 2 ? Kind::real : Kind::text);
    }
    return kinds;
  }

  template <typename T>
  Json number(SQLUSMALLINT column, SQLSMALLINT type) {
    T value{};
    SQLLEN length = 0;
    statement_.check(SQLGetData(statement_.get(), column, type, &value, sizeof value, &length),
                     place(column));
    return length == SQL_NULL_DATA ? Json() : Json(value);
  }

  Json cell(SQLUSMALLINT number_of, const Column& column) {
    switch (column.kind) {
      case Kind::integer:
        return number<SQLBIGINT>(number_of, SQL_C_SBIGINT);
      case Kind::real:
        return number<SQLDOUBLE>(number_of, SQL_C_DOUBLE);
      case Kind::boolean: {
        const Json bit = number<SQLCHAR>(number_of, SQL_C_BIT);
        return bit.is_null() ? bit : Json(bit != 0);
      }
      case Kind::text:
        break;
    }
    return text(number_of);
  }

  /// Long ones come in pieces.
  Json text(SQLUSMALLINT column) {
    std::string all;
    std::array<char, 4096> piece{};
    for (;;) {
      SQLLEN length = 0;
      const SQLRETURN result =
          SQLGetData(statement_.get(), column, SQL_C_CHAR, piece.data(), piece.size(), &length);
      if (result == SQL_NO_DATA) break;
      statement_.check(result, place(column));
      if (length == SQL_NULL_DATA) return nullptr;
      all += piece.data();
      if (result == SQL_SUCCESS) break;
    }
    if (!is_utf8(all)) throw Error(ExitStatus::bad_data, str(place(column), " is not UTF-8"));
    return all;
  }

  std::string place(SQLUSMALLINT column) const {
    return str("row ", row_, " of the query, column ", in_quotes(columns_[column - 1u].name));
  }

  Handle statement_;
  std::vector<Kind> kinds_;  // of the values, where these have types of their own
  std::vector<Column> columns_;
  std::int64_t row_ = 0;
};

class Database : public RemoteStore {
 public:
  explicit Database(const Location& location)
      : query_(location.query), connection_(secret_of(location.connection)) {}

  std::vector<RemoteFile> list() override { return {{"", -1, ""}}; }
  std::map<std::string, std::int64_t> sizes() override { return {{"", -1}}; }

  void read(const RemoteFile&, Range, const std::function<void(std::span<const std::byte>)>& take) override {
    Session session(connection_);
    session.only_read();
    Query query(session, query_);
    std::string lines;
    const auto pass_on = [&] {
      take(std::as_bytes(std::span(lines)));
      lines.clear();
    };
    while (const auto row = query.next()) {
      lines += row->dump() + '\n';
      if (lines.size() >= block) pass_on();
    }
    pass_on();
  }

  void write(const std::string&, const std::function<std::span<const std::byte>()>&) override { refuse(); }
  void remove(const std::string&) override { refuse(); }

 private:
  [[noreturn]] static void refuse() {
    throw Error(ExitStatus::configuration, "nothing can be written to a query");
  }

  std::string query_, connection_;
};

}  // namespace

std::unique_ptr<RemoteStore> open_database(const Location& location) {
  return std::make_unique<Database>(location);
}

}  // namespace rankflow
