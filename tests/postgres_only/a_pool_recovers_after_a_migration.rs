//! "cached plan must not change result type": a statement that was prepared before a migration fails
//! for ever. The connection forgets what it has prepared, and the next attempt works. Where it knows a
//! type that was made anew, it is given up.

use diesel::connection::SimpleConnection as _;
use lback_tests::new_user;

use crate::database::*;

own_users!();

const WIDER: &str = "ALTER TABLE users ALTER COLUMN username TYPE VARCHAR(10000)";
const ANOTHER_TYPE: &str = "ALTER TABLE users ALTER COLUMN email TYPE TEXT, \
                            ALTER COLUMN username TYPE TEXT";

#[test]
fn at_the_next_session_and_by_a_retry() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let pool: lback::Database<Native> = lback::Database::builder()
        .max_size(1)
        .connect(&database.url())
        .unwrap();
    let ada = pool
        .transaction(|session| Users.create(session, new_user("ada")))
        .unwrap();
    for migration in [WIDER, ANOTHER_TYPE] {
        let find = |session: &mut Session| Users.find(session, ada.id);
        find(&mut pool.session().unwrap()).unwrap();
        database.connection().batch_execute(migration).unwrap();

        let first = find(&mut pool.session().unwrap());
        if let Err(error) = &first {
            assert!(error.is_retryable(), "{error:?}");
        }
        find(&mut pool.session().unwrap()).expect("the second attempt works");
    }

    // Inside a transaction, the helper tries again.
    pool.transaction(|session| Users.find(session, ada.id))
        .unwrap();
    let back = "ALTER TABLE users ALTER COLUMN email TYPE VARCHAR(254), \
                ALTER COLUMN username TYPE VARCHAR(150)";
    database.connection().batch_execute(back).unwrap();
    let mut attempts = 0;
    pool.session()
        .unwrap()
        .transaction_with_retries(3, |session| {
            attempts += 1;
            Users.find(session, ada.id)
        })
        .expect("it is tried again");
    assert_eq!(attempts, 2);
}

mod a_type {
    use std::io::Write as _;

    use diesel::deserialize::{self, FromSql, FromSqlRow};
    use diesel::expression::AsExpression;
    use diesel::pg::{Pg, PgValue};
    use diesel::serialize::{self, IsNull, Output, ToSql};
    use diesel::sql_types::SqlType;
    use lback::Error;

    use super::*;

    diesel::table! {
        use diesel::sql_types::BigInt;
        use super::Mood;

        feelings (id) {
            id -> BigInt,
            mood -> Mood,
        }
    }

    #[derive(Debug, SqlType, diesel::query_builder::QueryId)]
    #[diesel(postgres_type(name = "mood"))]
    pub struct Mood;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, AsExpression, FromSqlRow)]
    #[diesel(sql_type = Mood)]
    pub struct Happy;

    impl ToSql<Mood, Pg> for Happy {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            out.write_all(b"happy")?;
            Ok(IsNull::No)
        }
    }

    impl FromSql<Mood, Pg> for Happy {
        fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
            assert_eq!(value.as_bytes(), b"happy");
            Ok(Self)
        }
    }

    #[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
    #[diesel(table_name = feelings)]
    pub struct Feeling {
        pub id: i64,
        pub mood: Happy,
    }

    #[derive(Clone, Debug, Insertable)]
    #[diesel(table_name = feelings)]
    pub struct NewFeeling {
        pub mood: Happy,
    }

    #[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
    #[diesel(table_name = feelings)]
    pub struct FeelingChanges {
        pub mood: Option<Happy>,
    }

    impl Validate for NewFeeling {}
    impl Validate for FeelingChanges {}

    own_repository!(Feelings: entity = Feeling, table = feelings, insert = NewFeeling, update = FeelingChanges);

    #[test]
    fn that_was_made_anew() -> lback::Result<()> {
        let Some(database) = Database::fresh() else {
            return Ok(());
        };
        database.connection().batch_execute(
            "CREATE TYPE mood AS ENUM ('happy'); \
             CREATE TABLE feelings (id BIGSERIAL PRIMARY KEY, mood mood NOT NULL)",
        )?;
        let pool: lback::Database<Native> = lback::Database::builder()
            .max_size(1)
            .connect(&database.url())?;
        let create = |session: &mut Session| Feelings.create(session, NewFeeling { mood: Happy });
        pool.transaction(create)?;
        database.connection().batch_execute(
            "ALTER TYPE mood RENAME TO old_mood; CREATE TYPE mood AS ENUM ('happy', 'sad'); \
             ALTER TABLE feelings ALTER COLUMN mood TYPE mood USING mood::text::mood; DROP TYPE old_mood",
        )?;
        let failed = pool.transaction(create);
        assert!(matches!(failed, Err(Error::Database(_))), "{failed:?}");
        pool.transaction(create).expect("on another connection");
        Ok(())
    }
}
