//! The types against SQLite, by Diesel alone.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::query_builder::QueryId;
use diesel::sqlite::Sqlite;
use diesel::{debug_query, insert_into, sql_types};

use super::schema::users;
use super::{NewUser, Password, User, UserChanges, UserId};
use crate::value::{Secret, Timestamp};

type Done = Result<(), Box<dyn std::error::Error>>;

const HASH: &str = "$2b$12$aSgNawrwU8r/8uakTzUig.0HEqn4uH9BFuTmVtOlPUA3FOhJEvtfq";

/// The table as the Python framework creates it.
const PEERS_TABLE: &str = "
    CREATE TABLE users (
        id INTEGER NOT NULL, username VARCHAR NOT NULL, email VARCHAR NOT NULL,
        password VARCHAR NOT NULL, is_active BOOLEAN NOT NULL, is_email_verified BOOLEAN NOT NULL,
        email_verification_token VARCHAR, email_verification_token_expiry DATETIME,
        auth_token VARCHAR, token_expiry DATETIME,
        created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL, PRIMARY KEY (id)
    );
    INSERT INTO users VALUES (3, 'linus', 'linus@example.com', 'no hash', 1, 0, NULL, NULL,
        'canary-token', '2100-01-01 12:30:15.123456',
        '2026-11-22 15:49:20.747038', '2026-11-22 15:49:20');";

fn connection() -> Result<SqliteConnection, Box<dyn std::error::Error>> {
    let mut conn = SqliteConnection::establish(":memory:")?;
    conn.batch_execute(PEERS_TABLE)?;
    Ok(conn)
}

fn ada() -> crate::Result<NewUser> {
    Ok(NewUser {
        email_verification_token: Some(Secret::from("canary-token")),
        token_expiry: Some(Timestamp::now()),
        ..NewUser::with_password("ada", "ada@example.com", Password::from_hash(HASH)?)
    })
}

fn text_of(column: &str, conn: &mut SqliteConnection) -> QueryResult<Vec<String>> {
    users::table
        .order(users::id)
        .select(diesel::dsl::sql::<sql_types::Text>(column))
        .load(conn)
}

#[test]
fn a_row_of_the_peer_is_read() -> Done {
    let conn = &mut connection()?;
    let linus: User = users::table
        .find(UserId::from(3))
        .select(User::as_select())
        .get_result(conn)?;
    assert_eq!(linus.auth_token, Some(Secret::from("canary-token")));
    let expiry = linus.token_expiry.map(|expiry| expiry.to_string());
    assert_eq!(expiry.as_deref(), Some("2100-01-01T12:30:15.123456Z"));
    assert_eq!(linus.updated_at.to_string(), "2026-11-22T15:49:20.000000Z");
    assert!(linus.password.verify("x").is_err());
    Ok(())
}

#[test]
fn what_is_inserted_and_changed_comes_back() -> Done {
    let conn = &mut connection()?;
    let new = ada()?;
    let ada: User = insert_into(users::table).values(&new).get_result(conn)?;
    assert_eq!(ada.id, UserId::from(4));
    assert_eq!(
        (&ada.username, &ada.password),
        (&new.username, &new.password)
    );
    assert_eq!(ada.email_verification_token, new.email_verification_token);
    assert_eq!(
        (ada.token_expiry, ada.auth_token.as_ref()),
        (new.token_expiry, None)
    );
    assert_eq!(ada.created_at, ada.updated_at);

    let changes = UserChanges {
        email_verification_token: Some(None),
        auth_token: Some(Some(Secret::from("another"))),
        ..UserChanges::default()
    };
    let after: User = diesel::update(&ada).set(&changes).get_result(conn)?;
    let expected = User {
        email_verification_token: None,
        auth_token: Some(Secret::from("another")),
        ..ada
    };
    assert_eq!(after, expected);

    let by_token = users::table
        .filter(users::auth_token.eq(Secret::from("another")))
        .filter(users::token_expiry.le(Timestamp::now()))
        .select(users::id)
        .load::<UserId>(conn)?;
    assert_eq!(by_token, [after.id]);
    Ok(())
}

#[test]
fn timestamps_are_written_as_the_peer_writes_them() -> Done {
    let conn = &mut connection()?;
    let whole_second = Timestamp::from(chrono::DateTime::UNIX_EPOCH);
    let new = NewUser {
        created_at: Some(whole_second),
        ..ada()?
    };
    insert_into(users::table).values(&new).execute(conn)?;
    let written = text_of("created_at", conn)?;
    assert_eq!(
        written,
        ["2026-11-22 15:49:20.747038", "1970-01-01 00:00:00.000000"]
    );
    Ok(())
}

#[test]
fn many_are_inserted_by_one_statement() -> Done {
    let conn = &mut connection()?;
    let mut grace = ada()?;
    grace.username = "grace".to_owned();
    grace.email_verification_token = None;
    let many = vec![ada()?, grace];
    let statement = insert_into(users::table).values(&many);
    let sql = debug_query::<Sqlite, _>(&statement).to_string();
    assert_eq!(sql.matches("INSERT").count(), 1, "{sql}");
    assert_eq!(statement.execute(conn)?, 2);
    assert_eq!(text_of("username", conn)?, ["linus", "ada", "grace"]);
    Ok(())
}

#[test]
fn diesels_query_log_shows_neither_hash_nor_token() -> Done {
    let mut new = ada()?;
    new.auth_token = Some(Secret::from("canary-token"));
    let insert = insert_into(users::table).values(&new);
    let changes = UserChanges {
        password: Some(Password::from_hash(HASH)?),
        auth_token: Some(Some(Secret::from("canary-token"))),
        ..UserChanges::default()
    };
    let update = diesel::update(users::table.find(UserId::from(1))).set(&changes);
    let find = users::table.filter(users::auth_token.eq(Secret::from("canary-token")));

    let printed = [
        (debug_query::<Sqlite, _>(&insert).to_string(), 3),
        (format!("{:#?}", debug_query::<Sqlite, _>(&insert)), 3),
        (debug_query::<Sqlite, _>(&update).to_string(), 2),
        (debug_query::<Sqlite, _>(&find).to_string(), 1),
    ];
    for (text, secrets) in printed {
        assert_eq!(text.matches("***").count(), secrets, "{text}");
        assert!(!text.contains("canary") && !text.contains("$2b$"), "{text}");
    }
    Ok(())
}

#[test]
fn rows_print_and_serialize_masked() -> Done {
    let conn = &mut connection()?;
    let new = ada()?;
    let user: User = insert_into(users::table).values(&new).get_result(conn)?;
    let changes = UserChanges {
        password: Some(new.password.clone()),
        auth_token: Some(Some(Secret::from("canary-token"))),
        token_expiry: Some(None),
        ..UserChanges::default()
    };
    for text in [
        format!("{user:?} {new:?} {changes:?}"),
        serde_json::to_string(&(&user, &new, &changes))?,
    ] {
        assert_eq!(text.matches("***").count(), 6, "{text}");
        assert!(!text.contains("canary") && !text.contains("$2b$"), "{text}");
    }
    let json = serde_json::to_string(&changes)?;
    assert_eq!(
        json,
        r#"{"password":"***","auth_token":"***","token_expiry":null}"#
    );
    Ok(())
}

#[test]
fn an_insert_is_one_statement_for_the_cache() -> Done {
    fn has_static_id<Q: QueryId>(_: &Q) -> bool {
        Q::HAS_STATIC_QUERY_ID
    }
    let new = ada()?;
    assert!(has_static_id(&insert_into(users::table).values(&new)));
    let find = users::table
        .find(UserId::from(1))
        .select(users::all_columns);
    assert!(has_static_id(&find));
    Ok(())
}

/// A row of the application's own may hold secrets, of other types and in other columns too.
#[test]
fn secrets_fit_into_rows_of_others() -> Done {
    diesel::table! {
        keys (id) { id -> Integer, name -> Text, blob -> Binary, hint -> Nullable<Text> }
    }
    #[derive(Debug, PartialEq, Queryable, Insertable, AsChangeset)]
    #[diesel(table_name = keys, treat_none_as_default_value = false)]
    struct Key {
        id: i32,
        name: Secret<String>,
        blob: Secret<Vec<u8>>,
        hint: Option<Secret<String>>,
    }
    let conn = &mut SqliteConnection::establish(":memory:")?;
    conn.batch_execute(
        "CREATE TABLE keys (id INTEGER PRIMARY KEY, name TEXT, blob BLOB, hint TEXT)",
    )?;

    let key = Key {
        id: 1,
        name: "n".into(),
        blob: Secret::new(vec![7]),
        hint: None,
    };
    insert_into(keys::table).values(&key).execute(conn)?;
    assert_eq!(keys::table.get_result::<Key>(conn)?, key);

    let changed = Key {
        hint: Some("h".into()),
        ..key
    };
    diesel::update(keys::table.find(1))
        .set(&changed)
        .execute(conn)?;
    let hint = Secret::from("h");
    let found = keys::table
        .filter(keys::name.eq(&changed.name))
        .filter(keys::hint.eq(&hint));
    assert_eq!(found.get_result::<Key>(conn)?, changed);
    Ok(())
}
