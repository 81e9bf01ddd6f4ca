//! Tests of tables and key-value lists.

use super::*;

#[test]
fn columns_are_as_wide_as_their_widest_cell() {
    let mut table = Table::new(&["ID", "NAME"]);
    table.row(["1", "ann"]);
    table.row(["1000", "b"]);
    assert_eq!(table.render(Style::PLAIN), "ID    NAME\n1     ann\n1000  b");
}

// SB-34
#[test]
fn a_cell_cannot_steer_the_terminal() {
    let mut table = Table::new(&["NAME"]);
    table.row(["\x1b]0;owned\x07\n1  admin"]);
    assert!(
        !table
            .render(Style::PLAIN)
            .replace("NAME\n", "")
            .chars()
            .any(char::is_control)
    );
    assert!(!key_value_list(&[("name", "a\nb".to_owned())], Style::PLAIN).contains('\n'));
}

#[test]
fn names_and_values_line_up() {
    let pairs = [("id", "1".to_owned()), ("user name", "ann".to_owned())];
    assert_eq!(
        key_value_list(&pairs, Style::PLAIN),
        "id         1\nuser name  ann"
    );
}
