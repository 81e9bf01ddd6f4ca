//! Candidates: the users that the index of values leaves for a filter.

use std::collections::BTreeSet;
use std::pin::Pin;

use chassis::db::{DbError, Reader};
use contract::{GroupId, UserId};
use scim::filter::{CompareValue, Comparison, Filter, Operator};
use scim::schema::AttributeRef;

use super::super::external_ids::{self, EXTERNAL_ID};
use super::super::values::range::Range;
use super::super::{Users, store as people, values};
use super::store;
use crate::memberships;

/// A set so small that further terms are compared in memory rather than looked up.
const SMALL_ENOUGH: usize = 200;

/// Users among whom all are that match a filter.
#[derive(Debug)]
pub(super) struct Candidates {
    pub(super) ids: BTreeSet<UserId>,
    /// True if each of them matches.
    pub(super) exact: bool,
}

type Found<'a> = Pin<Box<dyn Future<Output = Result<Option<Candidates>, DbError>> + Send + 'a>>;

impl Users {
    /// The candidates of a filter; nothing when no index serves it, or they are more than the limit.
    pub(super) fn candidates<'a>(
        &'a self,
        reader: &'a mut Reader,
        filter: &'a Filter,
        client: Option<&'a str>,
    ) -> Found<'a> {
        Box::pin(async move {
            match filter {
                Filter::And(all) => self.all_of(reader, all, client).await,
                Filter::Or(all) => self.any_of(reader, all, client).await,
                Filter::Not(_) => Ok(None),
                Filter::Values(attribute, inner) => self.with_value(reader, attribute, inner).await,
                Filter::Present(attribute) if client.is_some() && is_external_id(attribute) => Ok(None),
                Filter::Present(attribute) => match self.indexed.present(attribute) {
                    Some(range) => self.in_range(reader, &range).await,
                    None => Ok(None),
                },
                Filter::Compare(comparison) => self.compared(reader, comparison, client).await,
            }
        })
    }

    async fn compared(
        &self,
        reader: &mut Reader,
        comparison: &Comparison,
        client: Option<&str>,
    ) -> Result<Option<Candidates>, DbError> {
        if let Some(client) = client.filter(|_| is_external_id(&comparison.attribute)) {
            return self.with_external_id(reader, comparison, client).await;
        }
        if let Some(range) = self.indexed.range(comparison) {
            return self.in_range(reader, &range).await;
        }
        if is_group_id(&comparison.attribute) {
            return self.in_group(reader, comparison).await;
        }
        let attribute = &comparison.attribute;
        if attribute.schema.is_some() || attribute.sub.is_some() || comparison.operator != Operator::Eq {
            return Ok(None);
        }
        match (attribute.name.as_str(), &comparison.value) {
            ("id", CompareValue::Text(text)) => {
                let id = text.parse::<UserId>().ok().filter(|id| id.to_string() == *text);
                let known = match id {
                    Some(id) => people::find_stored(reader, id).await?.and(Some(id)),
                    None => None,
                };
                Ok(self.bounded(known.into_iter().collect(), true))
            }
            ("active", CompareValue::Boolean(active)) => {
                let ids = store::ids_by_active(reader, *active, self.search_limit_and_one()).await?;
                Ok(self.bounded(ids.into_iter().collect(), true))
            }
            _ => Ok(None),
        }
    }

    /// The user to whom a client gave an identifier, and those who have it for everybody.
    async fn with_external_id(
        &self,
        reader: &mut Reader,
        comparison: &Comparison,
        client: &str,
    ) -> Result<Option<Candidates>, DbError> {
        let CompareValue::Text(text) = &comparison.value else {
            return Ok(None);
        };
        // PostgreSQL has no NUL.
        if comparison.operator != Operator::Eq || text.contains('\0') {
            return Ok(None);
        }
        let own = external_ids::holder(reader, client, text).await?;
        let Some(range) = self.indexed.range(comparison) else {
            return Ok(None);
        };
        let found = self.in_range(reader, &range).await?;
        Ok(found.map(|mut found| {
            found.ids.extend(own);
            Candidates {
                exact: false,
                ..found
            }
        }))
    }

    /// The members of a group, directly and by groups in it.
    async fn in_group(
        &self,
        reader: &mut Reader,
        comparison: &Comparison,
    ) -> Result<Option<Candidates>, DbError> {
        let (CompareValue::Text(text), Operator::Eq) = (&comparison.value, comparison.operator) else {
            return Ok(None);
        };
        let ids = match text.parse::<GroupId>() {
            Ok(group) => memberships::members_of(reader, group, self.search_limit_and_one()).await?,
            Err(_) => Vec::new(),
        };
        // Not exact: an id may be written in several ways.
        Ok(self.bounded(ids.into_iter().collect(), false))
    }

    async fn in_range(&self, reader: &mut Reader, range: &Range) -> Result<Option<Candidates>, DbError> {
        let rows = values::ids(reader, range, self.search_limit_and_one()).await?;
        if rows.len() > self.search_limit {
            return Ok(None);
        }
        Ok(self.bounded(rows.into_iter().collect(), range.exact))
    }

    /// The candidates of each term that an index serves, in common; those of `eq` come first.
    async fn all_of(
        &self,
        reader: &mut Reader,
        all: &[Filter],
        client: Option<&str>,
    ) -> Result<Option<Candidates>, DbError> {
        let mut terms: Vec<&Filter> = all.iter().collect();
        terms.sort_by_key(|term| !self.is_narrow(term));
        let mut found: Option<Candidates> = None;
        let mut exact = true;
        for term in terms {
            if found
                .as_ref()
                .is_some_and(|found| found.ids.len() <= SMALL_ENOUGH)
            {
                exact = false;
                break;
            }
            let Some(next) = self.candidates(reader, term, client).await? else {
                exact = false;
                continue;
            };
            exact &= next.exact;
            found = Some(match found {
                Some(mut known) => {
                    known.ids.retain(|id| next.ids.contains(id));
                    known
                }
                None => next,
            });
        }
        Ok(found.map(|found| Candidates { exact, ..found }))
    }

    fn is_narrow(&self, term: &Filter) -> bool {
        match term {
            Filter::Compare(comparison) => {
                comparison.attribute.name == "id"
                    || self.indexed.range(comparison).is_some_and(|range| range.narrow)
            }
            Filter::Values(..) => true,
            _ => false,
        }
    }

    /// The candidates of all terms together.
    async fn any_of(
        &self,
        reader: &mut Reader,
        all: &[Filter],
        client: Option<&str>,
    ) -> Result<Option<Candidates>, DbError> {
        let mut found = Candidates {
            ids: BTreeSet::new(),
            exact: true,
        };
        for term in all {
            let Some(mut next) = self.candidates(reader, term, client).await? else {
                return Ok(None);
            };
            found.exact &= next.exact;
            found.ids.append(&mut next.ids);
            if found.ids.len() > self.search_limit {
                return Ok(None);
            }
        }
        Ok(Some(found))
    }

    /// The candidates of the terms about `value` in a value path, such as `emails[type eq "work" and value eq "a@example.com"]`.
    async fn with_value(
        &self,
        reader: &mut Reader,
        attribute: &AttributeRef,
        inner: &Filter,
    ) -> Result<Option<Candidates>, DbError> {
        if let (true, Some(comparison)) = (is_groups(attribute), value_of(inner)) {
            return self.in_group(reader, comparison).await;
        }
        let Some(range) = self.range_of_value(attribute, inner) else {
            return Ok(None);
        };
        let found = self.in_range(reader, &range).await?;
        let whole = matches!(inner, Filter::Compare(_));
        Ok(found.map(|found| Candidates {
            exact: found.exact && whole,
            ..found
        }))
    }

    /// The range of the first term about `value` in the filter of a value path.
    pub(super) fn range_of_value(&self, attribute: &AttributeRef, inner: &Filter) -> Option<Range> {
        match inner {
            Filter::And(all) => all.iter().find_map(|term| self.range_of_value(attribute, term)),
            Filter::Compare(comparison) if comparison.attribute.name == "value" => {
                let whole = AttributeRef {
                    schema: attribute.schema.clone(),
                    name: attribute.name.clone(),
                    sub: Some("value".to_owned()),
                    ..comparison.attribute.clone()
                };
                self.indexed.range(&Comparison {
                    attribute: whole,
                    ..comparison.clone()
                })
            }
            _ => None,
        }
    }

    /// As many rows as tell that there are too many.
    pub(super) fn search_limit_and_one(&self) -> i64 {
        i64::try_from(self.search_limit).map_or(i64::MAX, |limit| limit.saturating_add(1))
    }

    fn bounded(&self, ids: BTreeSet<UserId>, exact: bool) -> Option<Candidates> {
        (ids.len() <= self.search_limit).then_some(Candidates { ids, exact })
    }
}

/// True if an attribute is `externalId`, of which each client has its own.
pub(super) fn is_external_id(attribute: &AttributeRef) -> bool {
    attribute.schema.is_none() && attribute.sub.is_none() && attribute.name == EXTERNAL_ID
}

/// True if an attribute is `groups`, or a part of it, of which the state of a user has nothing.
pub(in crate::users) fn is_groups(attribute: &AttributeRef) -> bool {
    attribute.schema.is_none() && attribute.name == "groups"
}

fn is_group_id(attribute: &AttributeRef) -> bool {
    is_groups(attribute) && attribute.sub.as_deref().is_none_or(|sub| sub == "value")
}

/// The first comparison of `value` that all values of a value path fulfil.
fn value_of(inner: &Filter) -> Option<&Comparison> {
    match inner {
        Filter::Compare(comparison) if comparison.attribute.name == "value" => Some(comparison),
        Filter::And(all) => all.iter().find_map(value_of),
        _ => None,
    }
}
