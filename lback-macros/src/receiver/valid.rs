//! A receiver that has been checked: whatever can be written here can be expanded.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{Attribute, ExprClosure, LitInt, LitStr, Path, Type, TypeReference};

/// A function that is to be registered.
pub(super) struct Receiver {
    pub(super) function: Ident,
    /// The return type's place, or the name's where there is none.
    pub(super) output: Span,
    pub(super) conditions: Vec<Attribute>,
    pub(super) signals: Vec<Path>,
    pub(super) placement: Placement,
    pub(super) when: Option<When>,
    pub(super) delivery: Delivery,
}

impl Receiver {
    /// The signal's arguments that it names, also in closures.
    pub(super) fn arguments(&self) -> Vec<&Ident> {
        let mut names = Vec::new();
        let mut closures: Vec<_> = self.when.iter().collect();
        match &self.delivery {
            Delivery::InTransaction { parameters, .. } => {
                names.extend(parameters.iter().filter_map(|parameter| match parameter {
                    Lent::Argument(name, _) => Some(name),
                    _ => None,
                }));
            }
            Delivery::Effect { parameters, .. } => {
                names.extend(parameters.iter().filter_map(Kept::argument));
            }
            Delivery::Durable {
                parameters,
                options,
                ..
            } => {
                names.extend(parameters.iter().filter_map(Kept::argument));
                closures.extend(&options.ordered);
            }
        }
        let looked = closures.into_iter().flat_map(|when| &when.parameters);
        names.extend(looked.filter_map(|parameter| match parameter {
            Looked::Argument(name, _) => Some(name),
            Looked::Signal(_) => None,
        }));
        names
    }
}

/// Its identity and its place in the order.
pub(super) struct Placement {
    pub(super) id: Option<LitStr>,
    pub(super) order: Option<i32>,
    pub(super) before: Vec<Path>,
    pub(super) after: Vec<Path>,
}

/// Decides whether it runs.
pub(super) struct When {
    pub(super) closure: ExprClosure,
    pub(super) parameters: Vec<Looked>,
}

/// How it is called.
pub(super) enum Delivery {
    /// At once. `isolate` is where that option stands.
    InTransaction {
        isolate: Option<Span>,
        parameters: Vec<Lent>,
        /// Where `async` stands, if the function is.
        is_async: Option<Span>,
    },
    /// Later, with what was kept for it.
    Effect {
        phase: Phase,
        named: Span,
        parameters: Vec<Kept>,
        /// Where `async` stands, if the function is.
        is_async: Option<Span>,
    },
    /// By a worker, with what was stored for it. `named` is where `durable` stands.
    Durable {
        named: Span,
        parameters: Vec<Kept>,
        options: Box<Durable>,
        is_async: Option<Span>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    AfterCommit,
    AfterRollback,
}

/// What a durable receiver says of its rows, beyond its id.
#[derive(Default)]
pub(super) struct Durable {
    pub(super) aliases: Vec<LitStr>,
    pub(super) version: Option<LitInt>,
    pub(super) max_attempts: Option<LitInt>,
    pub(super) lease: Option<LitInt>,
    pub(super) batch: Option<LitInt>,
    pub(super) upcast: Option<Path>,
    /// Gives the key of a row.
    pub(super) ordered: Option<When>,
}

/// A parameter of a receiver in the transaction.
pub(super) enum Lent {
    State(State),
    Connection(Lend),
    Session(Lend),
    Signal(Shared),
    Argument(Ident, Lend),
}

/// A parameter of an effect.
pub(super) enum Kept {
    State(State),
    Connection(Lend),
    Session(Lend),
    Signal(Shared),
    Argument(Ident, Keep),
}

impl Kept {
    fn argument(&self) -> Option<&Ident> {
        match self {
            Self::Argument(name, _) => Some(name),
            _ => None,
        }
    }
}

/// A parameter of a condition.
pub(super) enum Looked {
    Signal(Shared),
    Argument(Ident, Keep),
}

/// `#[state] name: &T`, or `#[state] name: Option<&T>`.
pub(super) struct State {
    pub(super) place: Span,
    /// `&T`
    pub(super) ty: TypeReference,
    /// The type of the whole, where the state may be missing.
    pub(super) optional: Option<Type>,
}

/// `name: &T`, with the place of `name`.
pub(super) struct Shared {
    pub(super) place: Span,
    pub(super) ty: TypeReference,
}

/// `name: &mut T`.
pub(super) struct Exclusive {
    pub(super) place: Span,
    pub(super) ty: TypeReference,
}

/// `name: T`.
pub(super) struct Owned {
    pub(super) place: Span,
    pub(super) ty: Type,
}

/// What can be lent for the length of a call.
pub(super) enum Lend {
    Shared(Shared),
    Exclusive(Exclusive),
    Owned(Owned),
}

/// What can be kept for later, or looked at.
pub(super) enum Keep {
    Shared(Shared),
    Owned(Owned),
}

impl Lend {
    pub(super) fn place(&self) -> Span {
        match self {
            Self::Shared(it) => it.place,
            Self::Exclusive(it) => it.place,
            Self::Owned(it) => it.place,
        }
    }

    /// The type, as the parameter has it.
    pub(super) fn ty(&self) -> TokenStream {
        match self {
            Self::Shared(Shared { ty, .. }) | Self::Exclusive(Exclusive { ty, .. }) => quote!(#ty),
            Self::Owned(Owned { ty, .. }) => quote!(#ty),
        }
    }
}

impl Keep {
    /// Where it stands, and the type without `&`.
    pub(super) fn place_and_type(&self) -> (Span, TokenStream) {
        match self {
            Self::Shared(Shared { place, ty }) => {
                let referent = &ty.elem;
                (*place, quote!(#referent))
            }
            Self::Owned(Owned { place, ty }) => (*place, quote!(#ty)),
        }
    }
}
