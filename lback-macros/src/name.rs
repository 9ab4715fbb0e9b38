//! From `OrderShipped` to `order_shipped` and back.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::parse::Parser;

/// `OrderShipped` becomes `order_shipped`, `HTTPRequest` becomes `http_request`.
pub(crate) fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 4);
    for (i, &letter) in letters.iter().enumerate() {
        if letter.is_uppercase() && i > 0 && letters[i - 1] != '_' {
            let begins_word = !letters[i - 1].is_uppercase()
                || letters.get(i + 1).is_some_and(|next| next.is_lowercase());
            if begins_word {
                snake.push('_');
            }
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// `order_shipped` becomes `OrderShipped`.
pub(crate) fn pascal(name: &str) -> String {
    name.split('_')
        .flat_map(|word| {
            let mut letters = word.chars();
            let first = letters.next().into_iter().flat_map(char::to_uppercase);
            first.chain(letters).collect::<Vec<_>>()
        })
        .collect()
}

/// `name` as an identifier, raw where it must be; none if no identifier is written so.
pub(crate) fn identifier(name: &str, place: Span) -> Option<Ident> {
    if syn::parse_str::<Ident>(name).is_ok() {
        return Some(Ident::new(name, place));
    }
    let is_keyword = Ident::parse_any.parse_str(name).is_ok();
    let is_never_raw = matches!(name, "_" | "self" | "Self" | "super" | "crate");
    (is_keyword && !is_never_raw).then(|| Ident::new_raw(name, place))
}

/// The name of a parameter without `r#` and one leading `_`: `_user` asks for `user`.
pub(crate) fn asked_for(parameter: &Ident) -> String {
    let name = parameter.unraw().to_string();
    match name.strip_prefix('_') {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => name,
    }
}

/// A number for a name, since a name cannot stand in a type: FNV-1a of 64 bits
/// (draft-eastlake-fnv, section 6).
pub(crate) fn number_of(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |number, byte| {
        (number ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::{identifier, number_of, pascal, snake};

    #[test]
    fn names_are_numbered_as_the_draft_says() {
        assert_eq!(number_of(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(number_of("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn keywords_become_raw_and_nonsense_nothing() {
        let written = |name| identifier(name, Span::call_site()).map(|ident| ident.to_string());
        assert_eq!(written("user").as_deref(), Some("user"));
        assert_eq!(written("type").as_deref(), Some("r#type"));
        for never in ["self", "_", "", "two words", "1st"] {
            assert_eq!(written(never), None, "{never}");
        }
    }

    #[test]
    fn words_begin_at_capitals() {
        for (from, to) in [
            ("User", "user"),
            ("OrderShipped", "order_shipped"),
            ("HTTPRequest", "http_request"),
            ("UserID", "user_id"),
            ("Level2Cache", "level2_cache"),
            ("Already_Split", "already_split"),
            ("already_lower", "already_lower"),
        ] {
            assert_eq!(snake(from), to);
        }
    }

    #[test]
    fn words_begin_at_underscores() {
        assert_eq!(pascal("user"), "User");
        assert_eq!(pascal("order_shipped"), "OrderShipped");
    }
}
