//! The two closures of a registration: one calls the receiver, one answers `when`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Path;
use syn::spanned::Spanned;

use super::call::{Call, args, argument, has_argument, lent, located, sending};
use super::valid::{Delivery, Keep, Kept, Lend, Lent, Looked, Receiver, When};

/// Calls the receiver, or queues that call.
pub(super) fn handle(receiver: &Receiver, signal: &Path) -> TokenStream {
    let args = args(Span::call_site());
    let body = match &receiver.delivery {
        Delivery::InTransaction {
            parameters,
            is_async,
            ..
        } => at_once(receiver, signal, parameters, *is_async),
        Delivery::Effect {
            named,
            parameters,
            is_async,
            ..
        } => queued(receiver, signal, *named, parameters, *is_async),
        Delivery::Durable {
            named,
            parameters,
            options,
            ..
        } => stored(signal, *named, parameters, options.ordered.as_ref()),
    };
    quote!(|#args| { #body })
}

/// Answers `when`.
pub(super) fn condition(when: &When, signal: &Path) -> TokenStream {
    let Call { lets, passed, .. } = looked(when, signal);
    let closure = &when.closure;
    let args = args(Span::call_site());
    let place = located(closure.body.span());
    let condition = Ident::new("condition", place);
    let answer = quote_spanned!(place=> #condition(#(#passed),*));
    quote! {
        |#args| {
            #lets
            let #condition = #closure;
            #answer
        }
    }
}

/// What a closure looks at.
fn looked<'a>(when: &When, signal: &'a Path) -> Call<'a> {
    let mut call = Call::of(signal);
    for parameter in &when.parameters {
        match parameter {
            Looked::Signal(shared) => call.signal(shared),
            Looked::Argument(name, Keep::Shared(shared)) => {
                let lent = lent(name, shared.place);
                call.bind(shared.place, &shared.ty, &lent);
            }
            Looked::Argument(name, Keep::Owned(owned)) => call.copied(name, owned.place, &owned.ty),
        }
    }
    call
}

/// Gives the text of a row's key. The closure's body stands in it as it is: a closure could not give a part of
/// what it was lent.
fn key(ordered: &When, signal: &Path) -> TokenStream {
    let Call { lets, passed, .. } = looked(ordered, signal);
    let (inputs, body) = (ordered.closure.inputs.iter(), &ordered.closure.body);
    let (args, place) = (args(Span::call_site()), located(body.span()));
    let text = quote_spanned!(place=> ::lback::__private::OrderKey::text(&#body));
    quote!(|#args| { #lets #(let #inputs = #passed;)* #text })
}

/// The signal, by way of its having every argument at which the closure looks.
fn looking(when: &When, signal: &Path) -> TokenStream {
    let names = when
        .parameters
        .iter()
        .filter_map(|parameter| match parameter {
            Looked::Argument(name, _) => Some(name),
            Looked::Signal(_) => None,
        });
    names.fold(quote!(#signal), |checked, name| {
        let has = has_argument(&checked, signal, name, name.span());
        quote_spanned!(located(name.span())=> #has::Itself)
    })
}

fn at_once(
    receiver: &Receiver,
    signal: &Path,
    parameters: &[Lent],
    is_async: Option<Span>,
) -> TokenStream {
    let mut call = Call::of(signal);
    for parameter in parameters {
        match parameter {
            Lent::State(shared) => call.state(shared, &sending(shared.place)),
            Lent::Signal(shared) => call.signal(shared),
            Lent::Connection(form) => {
                let args = args(form.place());
                let conn = quote_spanned!(located(form.place())=> #args.session.conn());
                call.bind(form.place(), form.ty(), &conn);
            }
            Lent::Session(form) => {
                let args = args(form.place());
                let session = quote_spanned!(located(form.place())=> &mut *#args.session);
                call.bind(form.place(), form.ty(), &session);
            }
            Lent::Argument(name, Lend::Shared(it)) => {
                call.bind(it.place, &it.ty, &lent(name, it.place));
            }
            Lent::Argument(name, Lend::Exclusive(it)) => call.changed(name, it),
            Lent::Argument(name, Lend::Owned(it)) => call.copied(name, it.place, &it.ty),
        }
    }
    // Taken before the session is lent.
    let waiter = is_async.map(|token| {
        let (waiter, args) = (Ident::new("waiter", Span::mixed_site()), args(token));
        let taken = quote_spanned!(located(token)=> let #waiter = #args.session.__waiter(););
        (waiter, taken)
    });
    let (waiter, taken) = waiter.unzip();
    let outcome = outcome(receiver, &call.passed, waiter.map_or(Wait::Not, Wait::By));
    let Call {
        states,
        lets,
        borrows,
        ..
    } = call;
    quote!(#taken #states #lets #borrows #outcome)
}

fn queued(
    receiver: &Receiver,
    signal: &Path,
    phase: Span,
    parameters: &[Kept],
    is_async: Option<Span>,
) -> TokenStream {
    let session = Ident::new("session", Span::mixed_site());
    let mut call = Call::of(signal);
    for parameter in parameters {
        match parameter {
            Kept::State(shared) => call.state(shared, &sending(shared.place)),
            Kept::Signal(shared) => call.signal(shared),
            Kept::Connection(form) => {
                let conn = quote_spanned!(located(form.place())=> #session.conn());
                call.bind_later(form.place(), form.ty(), &conn);
            }
            Kept::Session(form) => {
                let session = quote_spanned!(located(form.place())=> #session);
                call.bind_later(form.place(), form.ty(), &session);
            }
            Kept::Argument(name, Keep::Shared(shared)) => call.kept(name, shared),
            Kept::Argument(name, Keep::Owned(owned)) => call.copied(name, owned.place, &owned.ty),
        }
    }
    let outcome = outcome(receiver, &call.passed, Wait::of_effect(is_async));
    let Call {
        states,
        lets,
        borrows,
        ..
    } = call;
    let args = args(phase);
    if let Some(token) = is_async {
        // At `async`, since that is why what is kept across an `.await` has to be `Send`.
        let queue = quote_spanned! {located(token)=>
            #args.session.__queue_async(async move { #borrows #outcome })
        };
        return quote!(#states #lets #queue);
    }
    // At the phase's name, since that is why arguments have to be `Send`.
    let queue = quote_spanned! {located(phase)=>
        #args.session.__queue(move |#session| { #borrows #outcome });
    };
    quote! {
        #states
        #lets
        #queue
        ::core::result::Result::Ok(())
    }
}

/// Stores the arguments that the receiver names: each by itself, so that several receivers share what was
/// written.
fn stored(signal: &Path, phase: Span, parameters: &[Kept], ordered: Option<&When>) -> TokenStream {
    let stored = Ident::new("stored", Span::mixed_site());
    let adds = parameters.iter().filter_map(|parameter| {
        let Kept::Argument(name, form) = parameter else {
            return None;
        };
        let (place, _) = form.place_and_type();
        let (argument, lent, args) = (argument(signal, name, form), lent(name, place), args(place));
        Some(quote_spanned! {located(place)=>
            #stored.add(#argument, #lent, #args.session.__encodings());
        })
    });
    let key = ordered.map(|ordered| {
        let (args, key) = (args(Span::call_site()), key(ordered, signal));
        let checked = looking(ordered, signal);
        quote!(#stored.key(::lback::__private::answer::<#checked>(#args, #key));)
    });
    let args = args(phase);
    let store = quote_spanned!(located(phase)=> #args.session.__store(#stored););
    quote! {
        let mut #stored = ::lback::__private::Stored::new();
        #(#adds)*
        #key
        #store
        ::core::result::Result::Ok(())
    }
}

/// Reads the arguments again, and calls the receiver.
pub(super) fn deliver(
    receiver: &Receiver,
    signal: &Path,
    phase: Span,
    parameters: &[Kept],
    is_async: Option<Span>,
) -> TokenStream {
    let session = Ident::new("session", Span::mixed_site());
    let payload = Ident::new("payload", Span::mixed_site());
    let mut call = Call::of(signal);
    for parameter in parameters {
        match parameter {
            Kept::State(shared) => call.state(shared, &session.to_token_stream()),
            Kept::Signal(shared) => call.signal(shared),
            Kept::Connection(form) => {
                let conn = quote_spanned!(located(form.place())=> #session.conn());
                call.bind_later(form.place(), form.ty(), &conn);
            }
            Kept::Session(form) => {
                let session = quote_spanned!(located(form.place())=> &mut *#session);
                call.bind_later(form.place(), form.ty(), &session);
            }
            Kept::Argument(name, form) => call.read(name, form, &payload),
        }
    }
    let outcome = outcome(receiver, &call.passed, Wait::of_effect(is_async));
    let Call {
        states,
        lets,
        borrows,
        ..
    } = call;
    let delivering = quote_spanned! {located(phase)=>
        let #session = ::lback::__private::delivering::<#signal>(#session)?;
    };
    if let Some(token) = is_async {
        // At `async`, since that is why what is kept across an `.await` has to be `Send`.
        let task = quote_spanned! {located(token)=>
            ::core::result::Result::Ok(::std::boxed::Box::pin(async move { #borrows #outcome }))
        };
        return quote! {
            ::lback::__private::Deliver::Async(|#session, #payload| { #delivering #states #lets #task })
        };
    }
    quote! {
        ::lback::__private::Deliver::Sync(
            |#session, #payload| { #delivering #states #lets #borrows #outcome }
        )
    }
}

/// How an `async` function is waited for.
enum Wait {
    /// It is a plain one.
    Not,
    /// In a future of its own.
    InFuture,
    /// Here and now, by what bears this name.
    By(Ident),
}

impl Wait {
    fn of_effect(is_async: Option<Span>) -> Self {
        is_async.map_or(Self::Not, |_| Self::InFuture)
    }
}

/// The call, placed at the return type, where one that no receiver may have is reported.
fn outcome(receiver: &Receiver, passed: &[Ident], wait: Wait) -> TokenStream {
    let place = located(receiver.output);
    let function = &receiver.function;
    let call = Ident::new("__lback_function", place);
    // Named once more than needed: were the name unknown, a call would say so differently.
    let named = quote!(let #call = #function;);
    let called = quote_spanned!(place=> #call(#(#passed),*));
    let called = match wait {
        Wait::Not => called,
        Wait::InFuture => quote_spanned!(place=> #called.await),
        Wait::By(waiter) => quote_spanned!(place=> #waiter.wait(#called)),
    };
    let outcome = quote_spanned! {place=>
        ::lback::__private::IntoOutcome::into_outcome(#called)
    };
    quote!(#named #outcome)
}
