//! What must hold: receivers in the transaction, on its connection. They are `async`, and use the
//! application's own queries.

use lback::diesel_async::prelude::*;

use crate::booking::{
    Booking, booking_post_create, booking_post_delete, count_seats, write_journal,
};

/// Counted with the booking that has just been written; if it was one too many, it never was.
#[receiver(booking_post_create, order = 1)]
pub async fn enough_seats(booking: &Booking, conn: &mut AsyncPgConnection) -> lback::Result<()> {
    let (seats, taken) = count_seats(conn, booking.show_id).await?;
    if taken > seats {
        let left = seats - taken + i64::from(booking.seats);
        let left = format!("only {left} seats are left");
        return Err(Veto::new(left).field("seats").into());
    }
    Ok(())
}

#[receiver(booking_post_create, order = 2)]
pub async fn note_the_booking(booking: &Booking, conn: &mut AsyncPgConnection) -> QueryResult<()> {
    write_journal(conn, &format!("{}: booked", booking.guest)).await
}

#[receiver(booking_post_delete)]
pub async fn note_the_end(booking: &Booking, conn: &mut AsyncPgConnection) -> QueryResult<()> {
    write_journal(conn, &format!("{}: given up", booking.guest)).await
}
