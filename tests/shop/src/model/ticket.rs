//! Tickets: keys that the database makes, and that say nothing of the order of the rows.

use diesel::prelude::*;
use lback::Validate;

use super::super::schema::tickets;

/// A ticket, by a random code.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = tickets, primary_key(code))]
pub struct Ticket {
    /// The key.
    pub code: String,
    /// Whose it is.
    pub holder: String,
}

/// A ticket to be stored.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = tickets)]
pub struct NewTicket {
    /// See [`Ticket::holder`].
    pub holder: String,
}

/// What may change in it.
#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = tickets)]
pub struct TicketChanges {
    /// See [`Ticket::holder`].
    pub holder: Option<String>,
}

impl Validate for NewTicket {}
impl Validate for TicketChanges {}

repository! {
    [entity = Ticket, table = tickets, insert = NewTicket, update = TicketChanges]
    /// The tickets.
    #[derive(Clone, Debug, Default)]
    pub struct Tickets;
}
