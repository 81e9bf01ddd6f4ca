//! Statements of text searches on the words in `user_values`, each with a bound on what it reads.

use chassis::db::{DbError, Reader};
use chassis::{on_engine, sql};
use contract::UserId;
use sqlx::types::Json;

use super::super::values::words::WORDS;

/// Keys from one, up to another one that is not among them.
pub(super) type KeyRange = (String, String);

/// Ids of the users with a key in one of the ranges: those of the first range first, at most `limit`.
pub(super) async fn users_in(
    reader: &mut Reader,
    ranges: &[KeyRange],
    limit: i64,
) -> Result<Vec<UserId>, DbError> {
    if ranges.is_empty() {
        return Ok(Vec::new());
    }
    let statement = sql!(reader,
        // CROSS JOIN: the ranges in their order, and the index within each.
        sqlite: "SELECT u.user_id FROM json_each($2) AS ranges CROSS JOIN user_values u
                 WHERE u.attribute = $1 AND u.value_key >= ranges.value ->> 0 AND u.value_key < ranges.value ->> 1 LIMIT $3",
        // LATERAL with a limit: never a plan that reads the words of everybody.
        postgres: "SELECT found.user_id FROM jsonb_array_elements($2) WITH ORDINALITY AS ranges (keys, number)
                   CROSS JOIN LATERAL (SELECT value_key, user_id FROM user_values
                       WHERE attribute = $1 AND value_key >= ranges.keys ->> 0 AND value_key < ranges.keys ->> 1
                       ORDER BY value_key, user_id LIMIT $3) AS found LIMIT $3",
    );
    Ok(on_engine!(reader, c => sqlx::query_scalar(statement)
        .bind(WORDS)
        .bind(Json(ranges))
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// True if the ranges have more than `most` keys together.
pub(super) async fn have_more(
    reader: &mut Reader,
    ranges: &[KeyRange],
    most: usize,
) -> Result<bool, DbError> {
    let statement = sql!(reader,
        sqlite: "SELECT count(*) FROM (SELECT 1 FROM json_each($2) AS ranges CROSS JOIN user_values u
                 WHERE u.attribute = $1 AND u.value_key >= ranges.value ->> 0 AND u.value_key < ranges.value ->> 1 LIMIT $3)",
        postgres: "SELECT count(*) FROM (SELECT 1 FROM jsonb_array_elements($2) AS ranges (keys)
                   CROSS JOIN LATERAL (SELECT value_key FROM user_values
                       WHERE attribute = $1 AND value_key >= ranges.keys ->> 0 AND value_key < ranges.keys ->> 1
                       ORDER BY value_key LIMIT $3) AS found LIMIT $3) AS counted",
    );
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let counted: i64 = on_engine!(reader, c => sqlx::query_scalar(statement)
        .bind(WORDS)
        .bind(Json(ranges))
        .bind(most.saturating_add(1))
        .fetch_one(c)
        .await?);
    Ok(counted > most)
}

/// The first key of each range that has one, with the index of the range.
pub(super) async fn first_keys(
    reader: &mut Reader,
    ranges: &[KeyRange],
) -> Result<Vec<(i64, String)>, DbError> {
    let statement = sql!(reader,
        // MATERIALIZED: each key is looked up once.
        sqlite: "WITH firsts (number, value_key) AS MATERIALIZED (
                     SELECT CAST(ranges.key AS INTEGER), (SELECT value_key FROM user_values
                         WHERE attribute = $1 AND value_key >= ranges.value ->> 0 AND value_key < ranges.value ->> 1
                         ORDER BY value_key LIMIT 1)
                     FROM json_each($2) AS ranges)
                 SELECT number, value_key FROM firsts WHERE value_key IS NOT NULL ORDER BY number",
        postgres: "SELECT ranges.number - 1, found.value_key FROM jsonb_array_elements($2) WITH ORDINALITY AS ranges (keys, number)
                   CROSS JOIN LATERAL (SELECT value_key FROM user_values
                       WHERE attribute = $1 AND value_key >= ranges.keys ->> 0 AND value_key < ranges.keys ->> 1
                       ORDER BY value_key LIMIT 1) AS found ORDER BY ranges.number",
    );
    Ok(on_engine!(reader, c => sqlx::query_as(statement)
        .bind(WORDS)
        .bind(Json(ranges))
        .fetch_all(c)
        .await?))
}

/// The first words of the keys in a range, each once, at most `limit`. From word to word by the index, however many users have
/// each.
pub(super) async fn words_in(
    reader: &mut Reader,
    (from, below): &KeyRange,
    limit: i64,
) -> Result<Vec<String>, DbError> {
    let statement = sql!(reader,
        sqlite: "WITH RECURSIVE words (word) AS (
                     SELECT * FROM (SELECT substr(value_key, 1, instr(value_key, ' ') - 1) FROM user_values
                         WHERE attribute = $1 AND value_key >= $2 AND value_key < $3 ORDER BY value_key LIMIT 1)
                     UNION ALL
                     SELECT (SELECT substr(value_key, 1, instr(value_key, ' ') - 1) FROM user_values
                         WHERE attribute = $1 AND value_key >= words.word || '!' AND value_key < $3 ORDER BY value_key LIMIT 1)
                     FROM words WHERE words.word IS NOT NULL)
                 SELECT word FROM words WHERE word IS NOT NULL LIMIT $4",
        postgres: "WITH RECURSIVE words (word) AS (
                       (SELECT split_part(value_key, ' ', 1) FROM user_values
                           WHERE attribute = $1 AND value_key >= $2 AND value_key < $3 ORDER BY value_key LIMIT 1)
                       UNION ALL
                       SELECT (SELECT split_part(value_key, ' ', 1) FROM user_values
                           WHERE attribute = $1 AND value_key >= words.word || '!' AND value_key < $3 ORDER BY value_key LIMIT 1)
                       FROM words WHERE words.word IS NOT NULL)
                   SELECT word FROM words WHERE word IS NOT NULL LIMIT $4",
    );
    Ok(on_engine!(reader, c => sqlx::query_scalar(statement)
        .bind(WORDS)
        .bind(from)
        .bind(below)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// Ids of the users whose ids are in a range.
pub(super) async fn ids_between(
    reader: &mut Reader,
    (first, last): (UserId, UserId),
    limit: i64,
) -> Result<Vec<UserId>, DbError> {
    const IDS: &str = "SELECT id FROM people WHERE id >= $1 AND id <= $2 ORDER BY id LIMIT $3";
    Ok(on_engine!(reader, c => sqlx::query_scalar(IDS)
        .bind(first)
        .bind(last)
        .bind(limit)
        .fetch_all(c)
        .await?))
}
