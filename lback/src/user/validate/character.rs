//! Letters beyond ASCII.
//!
//! Two addresses that look alike must be one. The standard library knows which characters are letters,
//! and so which are controls, spaces, signs, private, not assigned or for the direction of writing; what
//! is a letter and is not seen stands here, and what is none and belongs to one.

/// Letters to Unicode, and shown as nothing.
fn is_unseen_letter(c: char) -> bool {
    matches!(
        c,
        '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{3164}' | '\u{FFA0}'
    )
}

/// Marks without which words cannot be written: accents, and in Indic scripts, Thai, Lao, Tibetan,
/// Burmese and Khmer nukta, virama and tone.
#[rustfmt::skip] // a line a script
fn is_mark_of_a_word(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{34E}' | '\u{350}'..='\u{36F}'
        | '\u{93C}' | '\u{94D}' | '\u{9BC}' | '\u{9CD}' | '\u{A3C}' | '\u{A4D}' | '\u{ABC}' | '\u{ACD}'
        | '\u{B3C}' | '\u{B4D}' | '\u{BCD}' | '\u{C3C}' | '\u{C4D}' | '\u{CBC}' | '\u{CCD}' | '\u{D4D}'
        | '\u{DCA}'
        | '\u{E3A}' | '\u{E47}'..='\u{E4C}' | '\u{EC8}'..='\u{ECC}'
        | '\u{F39}' | '\u{F84}' | '\u{1037}' | '\u{1039}' | '\u{103A}' | '\u{17D2}')
}

/// A letter or a number that is seen, outside of ASCII.
pub(super) fn is_letter_beyond_ascii(c: char) -> bool {
    !c.is_ascii() && (c.is_alphanumeric() && !is_unseen_letter(c) || is_mark_of_a_word(c))
}

#[cfg(test)]
mod tests {
    use super::is_letter_beyond_ascii;

    #[test]
    fn letters_of_many_scripts_are_letters() {
        for word in [
            "josé",
            "müller",
            "почта",
            "संपर्क",
            "用户",
            "ユーザー",
            "ผู้ใช้",
            "사용자",
        ] {
            let odd: Vec<_> = word
                .chars()
                .filter(|c| !c.is_ascii() && !is_letter_beyond_ascii(*c))
                .collect();
            assert!(odd.is_empty(), "{word}: {odd:?}");
        }
    }

    #[test]
    fn what_nobody_sees_is_none() {
        for c in [
            '\u{200b}',
            '\u{200d}',
            '\u{feff}',
            '\u{ad}',
            '\u{202e}',
            '\u{2060}',
            '\u{3164}',
            '\u{e000}',
            '\u{e0041}',
        ] {
            assert!(!is_letter_beyond_ascii(c), "{c:?}");
        }
        for c in ['\u{378}', '\u{34f}', '\u{3002}', '\u{a0}', '😀'] {
            assert!(!is_letter_beyond_ascii(c), "{c:?}");
        }
    }
}
