//! Pages of a list that is read in the order of a key: each begins behind the last entry of the page before.

/// The cursor of the page after `page`: what `cursor` makes of the last entry. Nothing when `page` has fewer
/// than `limit` entries, and so is the last.
pub fn next_cursor<T, C>(page: &[T], limit: i64, cursor: impl FnOnce(&T) -> C) -> Option<C> {
    let is_full = i64::try_from(page.len()).is_ok_and(|count| count >= limit);
    page.last().filter(|_| is_full).map(cursor)
}

#[cfg(test)]
mod tests {
    use super::next_cursor;

    #[test]
    fn only_a_full_page_has_a_next_one() {
        let cursor = |entry: &i32| entry * 10;
        assert_eq!(next_cursor(&[1, 2], 2, cursor), Some(20));
        assert_eq!(next_cursor(&[1], 2, cursor), None);
        assert_eq!(next_cursor(&[], 0, cursor), None);
    }
}
