//! The two functions of a registration: one calls the receiver, one answers `when`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Path, Type};

use super::valid::{Delivery, Keep, Kept, Lend, Lent, Looked, Receiver, Shared, When};

/// The statements before a call, and what is passed to it.
struct Call<'a> {
    signal: &'a Path,
    /// First, states are cloned out, while nothing borrows the session.
    states: TokenStream,
    /// Then arguments are borrowed or copied.
    lets: TokenStream,
    /// Last, and for an effect inside its closure, whatever was copied is borrowed.
    borrows: TokenStream,
    passed: Vec<Ident>,
}

/// Calls the receiver, or queues that call.
pub(super) fn handle(receiver: &Receiver, signal: &Path, args: &TokenStream) -> TokenStream {
    let body = match &receiver.delivery {
        Delivery::InTransaction { parameters, .. } => at_once(receiver, signal, parameters),
        Delivery::Effect { parameters, .. } => queued(receiver, signal, parameters),
    };
    let args_name = args_at(Span::call_site());
    quote! {
        #[allow(unused_variables, clippy::unit_arg)]
        fn __lback_handle(#args_name: &mut #args) -> ::lback::__private::Outcome {
            #body
        }
    }
}

/// Answers `when`.
pub(super) fn condition(when: &When, signal: &Path, args: &TokenStream) -> TokenStream {
    let mut call = Call::of(signal);
    for parameter in &when.parameters {
        match parameter {
            Looked::Signal(shared) => call.signal(shared),
            Looked::Argument(name, Keep::Shared(shared)) => {
                call.shared(shared.place, &shared.referent, &field(name, shared.place));
            }
            Looked::Argument(name, Keep::Owned(owned)) => call.owned(name, owned.place, &owned.ty),
        }
    }
    let Call { lets, passed, .. } = call;
    let closure = &when.closure;
    let args_name = args_at(Span::call_site());
    let condition = Ident::new("condition", Span::mixed_site());
    let answer = quote_spanned!(closure.body.span()=> #condition(#(#passed),*));
    quote! {
        #[allow(unused_variables)]
        fn __lback_condition(#args_name: &mut #args) -> bool {
            #lets
            let #condition = #closure;
            #answer
        }
    }
}

fn at_once(receiver: &Receiver, signal: &Path, parameters: &[Lent]) -> TokenStream {
    let mut call = Call::of(signal);
    for parameter in parameters {
        match parameter {
            Lent::State(shared) => call.state(shared),
            Lent::Signal(shared) => call.signal(shared),
            Lent::Connection(form) => {
                let args = args_at(form.place());
                let conn = quote_spanned!(located(form.place())=> #args.session.conn());
                call.lend_in_place(form, &conn);
            }
            Lent::Session(form) => call.lend(&Ident::new("session", form.place()), form),
            Lent::Argument(name, form) => call.lend(name, form),
        }
    }
    let outcome = outcome(receiver, &call.passed);
    let Call {
        states,
        lets,
        borrows,
        ..
    } = call;
    quote!(#states #lets #borrows #outcome)
}

fn queued(receiver: &Receiver, signal: &Path, parameters: &[Kept]) -> TokenStream {
    let session = Ident::new("session", Span::mixed_site());
    let mut call = Call::of(signal);
    for parameter in parameters {
        match parameter {
            Kept::State(shared) => call.state(shared),
            Kept::Signal(shared) => call.signal(shared),
            Kept::Connection(form) => {
                call.borrow(
                    form,
                    &quote_spanned!(located(form.place())=> #session.conn()),
                );
            }
            Kept::Session(form) => {
                call.borrow(form, &quote_spanned!(located(form.place())=> #session));
            }
            Kept::Argument(name, Keep::Shared(shared)) => call.keep(name, shared),
            Kept::Argument(name, Keep::Owned(owned)) => call.owned(name, owned.place, &owned.ty),
        }
    }
    let outcome = outcome(receiver, &call.passed);
    let Call {
        states,
        lets,
        borrows,
        ..
    } = call;
    let args = args_at(Span::call_site());
    quote! {
        #states
        #lets
        #args.session.__queue(move |#session| {
            #borrows
            #outcome
        });
        ::core::result::Result::Ok(())
    }
}

/// The call, placed at the return type, where one that no receiver may have is reported.
fn outcome(receiver: &Receiver, passed: &[Ident]) -> TokenStream {
    let place = receiver.output;
    let mut function = receiver.function.clone();
    function.set_span(function.span().located_at(place));
    quote_spanned! {located(place)=>
        ::lback::__private::IntoOutcome::into_outcome(#function(#(#passed),*))
    }
}

impl<'a> Call<'a> {
    fn of(signal: &'a Path) -> Self {
        Self {
            signal,
            states: TokenStream::new(),
            lets: TokenStream::new(),
            borrows: TokenStream::new(),
            passed: Vec::new(),
        }
    }

    /// A name of its own, never the parameter's: `fn user(user: &User)` calls the function `user`.
    fn local(&self, place: Span) -> Ident {
        format_ident!("__lback_{}", self.passed.len(), span = located(place))
    }

    fn signal(&mut self, shared: &Shared) {
        let signal = self.signal;
        let info = quote_spanned!(located(shared.place)=>
            <#signal as ::lback::__private::Signal>::INFO
        );
        self.shared(shared.place, &shared.referent, &info);
    }

    fn lend(&mut self, name: &Ident, form: &Lend) {
        match form {
            Lend::Shared(it) => self.shared(it.place, &it.referent, &field(name, it.place)),
            Lend::Exclusive(it) => {
                let args = args_at(it.place);
                let value = quote_spanned!(located(it.place)=> &mut *#args.#name);
                self.lend_in_place(form, &value);
            }
            Lend::Owned(it) => self.owned(name, it.place, &it.ty),
        }
    }

    fn lend_in_place(&mut self, form: &Lend, value: &TokenStream) {
        let (local, ty) = (self.local(form.place()), form.ty());
        self.lets
            .extend(quote_spanned!(located(form.place())=> let #local: #ty = #value;));
        self.passed.push(local);
    }

    fn borrow(&mut self, form: &Lend, value: &TokenStream) {
        let (local, ty) = (self.local(form.place()), form.ty());
        self.borrows
            .extend(quote_spanned!(located(form.place())=> let #local: #ty = #value;));
        self.passed.push(local);
    }

    fn shared(&mut self, place: Span, referent: &Type, value: &TokenStream) {
        let local = self.local(place);
        self.lets
            .extend(quote_spanned!(located(place)=> let #local: &#referent = #value;));
        self.passed.push(local);
    }

    fn owned(&mut self, name: &Ident, place: Span, ty: &Type) {
        let local = self.local(place);
        let value = field(name, place);
        self.lets.extend(quote_spanned! {located(place)=>
            let #local: #ty = <#ty as ::core::clone::Clone>::clone(#value);
        });
        self.passed.push(local);
    }

    fn state(&mut self, shared: &Shared) {
        let (local, ty, args) = (
            self.local(shared.place),
            &shared.referent,
            args_at(shared.place),
        );
        let kept = format_ident!("{local}_kept");
        self.states.extend(quote_spanned! {located(shared.place)=>
            let #kept: ::std::sync::Arc<#ty> = #args.session.__state::<#ty>()?;
        });
        self.borrows
            .extend(quote_spanned!(located(shared.place)=> let #local: &#ty = &*#kept;));
        self.passed.push(local);
    }

    /// A copy, which an effect's closure owns.
    fn keep(&mut self, name: &Ident, shared: &Shared) {
        let (local, ty) = (self.local(shared.place), &shared.referent);
        let kept = format_ident!("{local}_kept");
        let value = field(name, shared.place);
        self.lets.extend(quote_spanned! {located(shared.place)=>
            let #kept = <#ty as ::std::borrow::ToOwned>::to_owned(#value);
        });
        self.borrows.extend(quote_spanned! {located(shared.place)=>
            let #local: &#ty = ::core::borrow::Borrow::borrow(&#kept);
        });
        self.passed.push(local);
    }
}

/// `&args.name`, in the parameter's place, so that the compiler reports it there.
fn field(name: &Ident, place: Span) -> TokenStream {
    let args = args_at(place);
    quote_spanned!(located(place)=> &#args.#name)
}

fn args_at(place: Span) -> Ident {
    Ident::new("args", located(place))
}

/// Ours by name, the user's by place.
fn located(place: Span) -> Span {
    Span::mixed_site().located_at(place)
}
