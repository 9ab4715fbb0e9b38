//! The attributes of `lback`, which re-exports and documents them with examples.
//!
//! Each is read in three steps: `parse` takes the tokens as they are written, `check` refuses what
//! has no meaning, all of it at once, and `expand` translates what is left. The item always stays
//! in place, so that a mistake in an attribute is not one wherever the item is used.

use proc_macro::TokenStream;

mod item;
mod mistake;
mod name;
mod option;
mod receiver;
mod repository;
mod signal;
#[cfg(test)]
mod testing;

/// Binds a function to one or more signals.
///
/// Between the brackets stand the paths of signals, at least one, and options, in any order:
///
/// | option | meaning |
/// |---|---|
/// | `order = -10` | lower runs first; the default is 0 |
/// | `before = path`, `after = path` | before or after another receiver; may be repeated, and given as `[path, path]` |
/// | `when = \|user: &User\| ..` | runs only if the closure answers `true` |
/// | `after_commit`, `after_rollback` | the phase; without one, in the transaction |
/// | `on_error = "isolate"` | a failure undoes only what this receiver did; the default is `"abort"` |
/// | `id = "audit.user"` | a stable identity; the default is the function's path |
///
/// Parameters get the arguments of the signal that bear their names; `_user` means `user`.
/// Besides, there are `session`, its connection `conn`, the signal itself as `signal`, and with
/// `#[state]` in front whatever the application put into the session.
///
/// | form | what it gets |
/// |---|---|
/// | `name: &T` | the argument, borrowed |
/// | `name: &mut T` | the argument, to be changed, where the signal allows that |
/// | `name: T` | a clone |
///
/// An effect, which is a receiver with a phase, gets copies, made when the signal is sent.
///
/// Refused are methods, type and const parameters, `impl Trait`, `async`, `unsafe` and `extern`
/// functions; parameters that are not plain names, or ask twice for one argument; `session` beside
/// `conn`, and either by value; a state that is not `&T`; `&mut` arguments of an effect or a
/// condition; `session`, `conn` and states in a condition; unknown, empty and repeated options, two
/// phases, `isolate` on an effect; and a list without a signal, or with one of them twice. What a
/// signal does not have (an argument, a session, a phase) the compiler reports at the parameter or
/// option that asks for it.
#[proc_macro_attribute]
pub fn receiver(attr: TokenStream, item: TokenStream) -> TokenStream {
    receiver::expand(attr.into(), &item.into()).into()
}

/// Declares a signal and its arguments.
///
/// The fields of the struct are the arguments, and its name in snake case is the signal:
/// `OrderShipped` declares `order_shipped`. The struct gets a method `send`.
///
/// `#[signal]` is sent after what it is about, and `#[signal(pre)]` before: its receivers may veto,
/// and change the arguments that are `&'a mut`. With a field `session: &'a mut Session`, sending is
/// one atomic operation, and receivers may have `conn`, `#[state]` and phases.
///
/// Refused are type and const parameters, and more than one lifetime; fields without a name, with
/// one that receivers already know (`conn`, `signal`), under `#[cfg]`, or hidden from those who see
/// the struct; `&'a mut` fields without `pre`; a session that is not `&'a mut`; and a struct in
/// lower case, whose name the signal needs.
#[proc_macro_attribute]
pub fn signal(attr: TokenStream, item: TokenStream) -> TokenStream {
    signal::expand(attr.into(), &item.into()).into()
}

/// Makes a struct the repository of an entity.
///
/// | option | meaning |
/// |---|---|
/// | `entity = Post` | the type of a row: `Identifiable`, `Selectable`, `Queryable` |
/// | `table = schema::posts` | the module that `diesel::table!` made |
/// | `insert = NewPost` | what is inserted: `Insertable`, by reference |
/// | `update = PostChanges` | what is changed: `AsChangeset`, by reference |
/// | `connection = PgConnection` | the Diesel connection |
/// | `backend = postgres` | the database, where the connection's name does not tell; or `sqlite`, `mysql` |
/// | `name = "post"` | the noun of the signals and of their arguments; the default is the entity's name |
/// | `shared_entity` | another repository of the same entity has made it known already |
///
/// The first five are required. Beside the struct it declares the six signals of the entity, from
/// `post_pre_create` to `post_post_delete`.
///
/// Refused are parameters of the struct, unknown, missing and repeated options, and a name that
/// is another argument's.
#[proc_macro_attribute]
pub fn repository(attr: TokenStream, item: TokenStream) -> TokenStream {
    repository::expand(attr.into(), &item.into()).into()
}
