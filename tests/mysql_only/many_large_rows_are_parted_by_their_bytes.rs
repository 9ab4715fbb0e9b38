//! Many large rows are parted by their bytes. The server ends a connection whose statement is larger
//! than `max_allowed_packet`: rows of which each alone is accepted are accepted together.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::BigInt;

use crate::database::*;
use lback_tests::count;

diesel::table! {
    texts (name) {
        name -> Text,
        body -> Text,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable, Insertable)]
#[diesel(table_name = texts, primary_key(name))]
pub struct Document {
    pub name: String,
    pub body: String,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = texts)]
pub struct DocumentChanges {
    pub body: Option<String>,
}

impl Validate for Document {}
impl Validate for DocumentChanges {}

own_repository!(Documents: entity = Document, table = texts, insert = Document, update = DocumentChanges, given_key = name);

#[signal]
struct DocumentStored<'a> {
    body: &'a str,
    session: &'a mut Session,
}

#[receiver(document_stored, durable, id = "large.index")]
fn index(_body: &str) {}

fn most(session: &mut Session) -> QueryResult<usize> {
    let most: i64 = diesel::select(sql::<BigInt>("CAST(@@max_allowed_packet AS SIGNED)"))
        .get_result(session.conn())?;
    Ok(usize::try_from(most).unwrap())
}

#[test]
fn and_so_are_rows_for_durable_receivers() -> lback::Result<()> {
    let Some(database) = Database::with_outbox() else {
        return Ok(());
    };
    let mut session = database.session();
    let body = &*"x".repeat(most(&mut session)? / 8);
    session
        .transaction(|session| (0..9).try_for_each(|_| DocumentStored { body, session }.send()))?;
    assert_eq!(count("lback_outbox", &mut session), 9);
    Ok(())
}

#[test]
fn rows_and_keys_that_are_accepted_alone_are_accepted_together() -> lback::Result<()> {
    let Some(database) = Database::empty() else {
        return Ok(());
    };
    let table = "CREATE TABLE texts (name VARCHAR(700) CHARACTER SET ascii PRIMARY KEY, \
                 body LONGTEXT NOT NULL)";
    database.connection().batch_execute(table).unwrap();
    for session in [
        database.session(),
        lback::mysql::__without_returning(database.session()),
    ] {
        let mut session = session;
        let most = most(&mut session)?;
        let body = "x".repeat(most / 8);
        let documents: Vec<_> = (0..9)
            .map(|number| Document {
                name: format!("{number:0>700}"),
                body: body.clone(),
            })
            .collect();
        let created = Documents.create_many(&mut session, documents.clone())?;
        assert!(created == documents, "each comes back as it was given");
        let changes = DocumentChanges {
            body: Some("y".repeat(most / 2)),
        };
        let names: Vec<_> = documents.iter().map(|document| &*document.name).collect();
        let updated = Documents.update_many(&mut session, names[..2].to_vec(), changes)?;
        assert!(
            updated
                .iter()
                .all(|document| document.body.len() == most / 2)
        );
        // More keys than fit, most of which are not there.
        let many: Vec<_> = (0..most / 700 + 10)
            .map(|number| format!("{number:0>700}"))
            .collect();
        let found = Documents.find_many(&mut session, many[5..].iter().map(|name| &**name))?;
        assert_eq!(found.iter().flatten().count(), 4);
        Documents.delete_many(&mut session, names)?;
        assert_eq!(Documents.count(&mut session)?, 0);
    }
    Ok(())
}
