//! The name of a protected host that people see.

/// The longest name, in characters.
const MAX_NAME: usize = 100;

/// True for a name that people can be shown, such as `Wiki`: 1 to 100 printable characters.
pub fn is_display_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.chars().count())
        && !name.chars().any(char::is_control)
        && !name.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_shown() {
        for name in ["Wiki", "Das Büro", &"ü".repeat(100)] {
            assert!(is_display_name(name), "{name:?}");
        }
        for name in ["", "  ", "a\nb", "a\u{1b}[31m", &"ü".repeat(101)] {
            assert!(!is_display_name(name), "{name:?}");
        }
    }
}
