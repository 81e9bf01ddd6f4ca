//! Results of a large directory, in the order of an index, a part at a time.

use chassis::db::Reader;
use contract::{GroupId, UserId, UserState};
use scim::filter::{CompareValue, Comparison, Filter, Operator};
use scim::sort::Sort;

use super::super::values::range::Range;
use super::super::values::{self, Keyed, Position};
use super::super::{Users, store as people, total};
use super::candidates::is_external_id;
use super::{CHUNK, Page, ResultKey, Search, SearchError, Start, groups_for, store};

/// Sortable attributes of which every user has a value, so that an index has everybody in their order.
const COMPLETE: [&str; 2] = ["userName", "meta.lastModified"];

/// The index that a search goes through.
pub(super) enum Source {
    /// The values of an attribute.
    Values {
        range: Range,
        descending: bool,
        /// True if a user may have several of them.
        several: bool,
    },
    /// Those who are active, or not, by id.
    Active(bool),
    /// The members of groups, by id.
    Members(Vec<GroupId>),
    /// One user, if the text is an id.
    User(Option<UserId>),
}

/// A search through an index.
pub(super) struct Stream<'a> {
    pub(super) source: Source,
    /// The filter, if the index does not decide it.
    pub(super) rest: Option<&'a Filter>,
}

impl Users {
    /// A page of a search whose results may be more than can be looked at.
    pub(super) async fn stream(&self, reader: &mut Reader, search: &Search) -> Result<Page, SearchError> {
        let Some(stream) = self.stream_of(search) else {
            return Err(self.too_many());
        };
        match &search.start {
            Start::After(key) => self.part(reader, &stream, search, key.as_ref()).await,
            Start::Offset(offset) if search.filter.is_none() => {
                self.at_offset(reader, &stream, search, *offset).await
            }
            Start::Offset(_) => Err(self.too_many()),
        }
    }

    /// The index that serves a search: that of its order, or else that of a term that every result fulfils.
    fn stream_of<'a>(&self, search: &'a Search) -> Option<Stream<'a>> {
        let filter = search.filter.as_ref();
        if let Some(sort) = &search.sort {
            let range = self.complete_range(sort, filter)?;
            let decided =
                filter.is_none_or(|filter| self.range_of(filter).is_some_and(|it| it == range && it.exact));
            return Some(Stream {
                source: Source::Values {
                    range,
                    descending: sort.descending,
                    several: false,
                },
                rest: filter.filter(|_| !decided),
            });
        }
        let filter = filter?;
        if search.client.is_some() && filter.attributes().iter().any(is_external_id) {
            // The index has the values that everybody sees.
            return None;
        }
        let (source, decided) = self.source_of(filter)?;
        Some(Stream {
            source,
            rest: Some(filter).filter(|_| !decided),
        })
    }

    /// The range of the values that a search is sorted by: those that the filter asks for, or else everybody's. A filter of
    /// something else is refused here, because few might match.
    fn complete_range(&self, sort: &Sort, filter: Option<&Filter>) -> Option<Range> {
        let whole = self.indexed.present(&sort.attribute)?;
        if !COMPLETE.contains(&whole.attribute.as_str()) {
            return None;
        }
        match filter {
            None => Some(whole),
            Some(filter) => self
                .range_of(filter)
                .filter(|range| range.attribute == whole.attribute),
        }
    }

    /// The first range that every result of a filter is in.
    fn range_of(&self, filter: &Filter) -> Option<Range> {
        match filter {
            Filter::Compare(comparison) => self.indexed.range(comparison),
            Filter::Present(attribute) => self.indexed.present(attribute),
            Filter::Values(attribute, inner) => self.range_of_value(attribute, inner).map(|range| Range {
                exact: false,
                ..range
            }),
            Filter::And(all) => {
                let mut ranges: Vec<Range> = all.iter().filter_map(|term| self.range_of(term)).collect();
                ranges.sort_by_key(|range| !range.narrow);
                ranges.into_iter().next().map(|range| Range {
                    exact: false,
                    ..range
                })
            }
            Filter::Or(_) | Filter::Not(_) => None,
        }
    }

    /// The index of a filter without an order, and whether it decides the filter.
    pub(super) fn source_of(&self, filter: &Filter) -> Option<(Source, bool)> {
        if let Some(range) = self.range_of(filter) {
            let decided = range.exact;
            let several = range.attribute == "emails.value";
            let source = Source::Values {
                range,
                descending: false,
                several,
            };
            return Some((source, decided));
        }
        match filter {
            Filter::Compare(Comparison {
                attribute,
                operator: Operator::Eq,
                value: CompareValue::Boolean(active),
            }) if attribute.schema.is_none() && attribute.name == "active" => {
                Some((Source::Active(*active), true))
            }
            _ => None,
        }
    }

    /// The results after a key, of as many entries of the index as the limit allows.
    async fn part(
        &self,
        reader: &mut Reader,
        stream: &Stream<'_>,
        search: &Search,
        key: Option<&ResultKey>,
    ) -> Result<Page, SearchError> {
        let wanted = usize::try_from(search.count).unwrap_or(0);
        let chunk = match stream.rest {
            None => wanted.saturating_add(1).min(CHUNK),
            Some(_) => CHUNK,
        };
        let mut position = key.map(position_of).transpose()?;
        let (mut users, mut compared) = (Vec::new(), 0);
        // The position of the last result, for the next page.
        let mut last = position.clone();
        loop {
            let entries = stream.source.read(reader, position.as_ref(), chunk).await?;
            let ended = entries.len() < chunk;
            let groups = groups_for(reader, search, entries.iter().map(|(_, id, _)| *id)).await?;
            for (key, id, document) in entries {
                compared += 1;
                position = Some((key.clone(), id));
                let state: UserState = people::parse(&document)?;
                let resource = self.compared_resource(search, &state, &groups);
                if !self.is_result(stream, (&key, &state), &resource) {
                    continue;
                }
                if users.len() == wanted {
                    return Ok(page(users, last));
                }
                last.clone_from(&position);
                users.push(state);
            }
            if ended {
                return Ok(page(users, None));
            }
            if compared >= self.search_limit {
                // The page may be shorter than asked for, and empty (RFC 9865 §2).
                return Ok(page(users, position));
            }
        }
    }

    /// True if the user of an entry matches, and this entry is the first of theirs.
    fn is_result(
        &self,
        stream: &Stream<'_>,
        (key, state): (&str, &UserState),
        resource: &serde_json::Value,
    ) -> bool {
        self.is_first_entry(&stream.source, key, state)
            && stream.rest.is_none_or(|rest| rest.matches(resource))
    }

    /// True if an entry of an index is the first of its user.
    pub(super) fn is_first_entry(&self, source: &Source, key: &str, state: &UserState) -> bool {
        let Source::Values {
            range, several: true, ..
        } = source
        else {
            return true;
        };
        let rows = self.indexed.rows_of(state, self.registry.users());
        let mut keys = rows
            .iter()
            .filter(|(name, key)| *name == range.attribute && range.has(key));
        keys.next().is_some_and(|(_, first)| first == key)
    }

    /// A page of everybody, sorted, at an offset.
    async fn at_offset(
        &self,
        reader: &mut Reader,
        stream: &Stream<'_>,
        search: &Search,
        offset: i64,
    ) -> Result<Page, SearchError> {
        let Source::Values {
            range, descending, ..
        } = &stream.source
        else {
            return Err(self.too_many());
        };
        let total = Some(total::read(reader).await?);
        let limits = (search.count, offset);
        let entries = match descending {
            true => values::before(reader, range, None, limits).await?,
            false => values::after(reader, range, None, limits).await?,
        };
        let users = entries.iter().map(|(_, _, document)| people::parse(document));
        Ok(Page {
            users: users.collect::<Result<_, _>>()?,
            total,
            next: None,
        })
    }
}

impl Source {
    pub(super) async fn read(
        &self,
        reader: &mut Reader,
        position: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Keyed>, chassis::db::DbError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        match self {
            Self::Values {
                range,
                descending: true,
                ..
            } => values::before(reader, range, position, (limit, 0)).await,
            Self::Values { range, .. } => values::after(reader, range, position, (limit, 0)).await,
            Self::Active(active) => {
                let after = position.map_or(UserId::nil(), |(_, id)| *id);
                store::by_active(reader, *active, after, limit).await
            }
            Self::Members(groups) => {
                let after = position.map_or(UserId::nil(), |(_, id)| *id);
                store::members_after(reader, groups, after, limit).await
            }
            Self::User(id) => match id.filter(|_| position.is_none()) {
                Some(id) => store::one(reader, id).await,
                None => Ok(Vec::new()),
            },
        }
    }
}

fn page(users: Vec<UserState>, position: Option<Position>) -> Page {
    Page {
        users,
        total: None,
        next: position.map(|(key, id)| vec![Some(key), Some(id.to_string())]),
    }
}

/// The entry of an index at the end of the key of a cursor.
pub(super) fn position_of(key: &ResultKey) -> Result<Position, scim::Error> {
    let text = key.first().cloned().flatten();
    // PostgreSQL has no NUL.
    let text = text.filter(|text| !text.contains('\0'));
    Ok((text.ok_or_else(scim::Error::invalid_cursor)?, id_of(key)?))
}

/// The id at the end of the key of a cursor.
pub(super) fn id_of(key: &ResultKey) -> Result<UserId, scim::Error> {
    let id = key.last().and_then(Option::as_deref);
    let id = id.and_then(|id| id.parse::<UserId>().ok());
    id.ok_or_else(scim::Error::invalid_cursor)
}
