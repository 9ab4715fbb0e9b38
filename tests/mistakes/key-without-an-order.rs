use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use lback::sqlite::prelude::*;

diesel::table! {
    tickets (id) {
        id -> Text,
        title -> Text,
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
struct TicketId(String);

impl diesel::serialize::ToSql<Text, diesel::sqlite::Sqlite> for TicketId {
    fn to_sql<'b>(
        &'b self,
        out: &mut diesel::serialize::Output<'b, '_, diesel::sqlite::Sqlite>,
    ) -> diesel::serialize::Result {
        diesel::serialize::ToSql::<Text, diesel::sqlite::Sqlite>::to_sql(&self.0, out)
    }
}

impl diesel::deserialize::FromSql<Text, diesel::sqlite::Sqlite> for TicketId {
    fn from_sql(
        value: <diesel::sqlite::Sqlite as diesel::backend::Backend>::RawValue<'_>,
    ) -> diesel::deserialize::Result<Self> {
        diesel::deserialize::FromSql::<Text, diesel::sqlite::Sqlite>::from_sql(value).map(Self)
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Identifiable)]
struct Ticket {
    id: TicketId,
    title: String,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = tickets)]
struct NewTicket {
    id: TicketId,
    title: String,
}

impl Validate for NewTicket {}

#[repository(entity = Ticket, table = tickets, insert = NewTicket, connection = SqliteConnection)]
struct Tickets;

fn main() {}
