//! A statement about one row writes one row: where the key that `diesel::table!` declares is not
//! unique, one that writes more is an error, and is undone.

use diesel::connection::SimpleConnection;
use lback::Error;

use crate::database::*;

diesel::table! {
    liked (article) {
        reader -> Integer,
        article -> Integer,
        note -> Nullable<Text>,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = liked, primary_key(article))]
pub struct Liked {
    pub reader: i32,
    pub article: i32,
    pub note: Option<String>,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = liked)]
pub struct NewLiked {
    pub reader: i32,
    pub article: i32,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = liked)]
pub struct LikedChanges {
    pub note: Option<String>,
}

impl Validate for NewLiked {}
impl Validate for LikedChanges {}

mod silent {
    use super::*;
    own_repository!(Likes: entity = Liked, table = liked, insert = NewLiked, update = LikedChanges, given_key = article);
}

mod heard {
    use super::*;
    own_repository!(Likes: entity = Liked, table = liked, insert = NewLiked, update = LikedChanges, given_key = article, shared_entity);

    #[receiver(liked_post_update, liked_post_delete)]
    fn never(liked: &Liked) {
        assert_ne!(liked.article, 7, "nobody is told of what was undone");
    }
}

fn opened() -> Option<(Database, Session)> {
    let database = Database::empty()?;
    let table = "CREATE TABLE liked (reader INTEGER NOT NULL, article INTEGER NOT NULL, note TEXT, \
                 PRIMARY KEY (reader, article))";
    database.connection().batch_execute(table).unwrap();
    let rows = "INSERT INTO liked (reader, article) VALUES (1, 7), (2, 7), (3, 7), (1, 8)";
    database.connection().batch_execute(rows).unwrap();
    let session = database.session();
    Some((database, session))
}

fn stored(session: &mut Session) -> Vec<(i32, i32, Option<String>)> {
    let rows = liked::table.order((liked::reader, liked::article));
    rows.load(session.conn()).unwrap()
}

fn noted() -> LikedChanges {
    LikedChanges {
        note: Some("mine".into()),
    }
}

fn refused<T: std::fmt::Debug>(done: lback::Result<T>) {
    let error = done.expect_err("several rows have this key");
    assert!(matches!(error, Error::NotUnique { .. }), "{error:?}");
    assert!(error.to_string().contains("not unique"), "{error}");
}

macro_rules! checks {
    ($name:ident, $likes:expr) => {
        #[test]
        fn $name() -> lback::Result<()> {
            let Some((_database, mut session)) = opened() else {
                return Ok(());
            };
            let before = stored(&mut session);
            refused($likes.update(&mut session, 7, noted()));
            assert_eq!(stored(&mut session), before);
            refused($likes.delete(&mut session, 7));
            assert_eq!(stored(&mut session), before);
            refused($likes.update_many(&mut session, [7], noted()));
            assert_eq!(stored(&mut session), before);
            refused($likes.delete_many(&mut session, [7, 8]));
            assert_eq!(stored(&mut session), before);
            refused(session.transaction(|session| {
                $likes.create(
                    session,
                    NewLiked {
                        reader: 9,
                        article: 9,
                    },
                )?;
                $likes.update(session, 7, noted())
            }));
            assert_eq!(stored(&mut session), before);

            // What comes after it in the transaction is not stored either.
            let passed_over = session.transaction(|session| {
                refused($likes.delete(session, 7));
                lback::Result::Ok(())
            });
            assert!(passed_over.is_err() || stored(&mut session) == before);
            assert_eq!(stored(&mut session), before);

            assert_eq!(
                $likes.update(&mut session, 8, noted())?.note.as_deref(),
                Some("mine")
            );
            $likes.delete(&mut session, 8)?;
            assert_eq!(stored(&mut session).len(), 3);
            Ok(())
        }
    };
}

checks!(unheard, silent::Likes);
checks!(heard_by_somebody, heard::Likes);
