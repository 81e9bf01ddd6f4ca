//! Groups in groups: no group is above itself, and none has more than [`MAX_GROUP_LEVELS`] above it.

use chassis::db::Tx;
use contract::{GroupId, MAX_GROUP_LEVELS};

use super::{GroupError, Invalid, MAX_PARENTS, store};

/// Makes a group a member of another, which both are locked, as the graph is; `false` when it is one.
///
/// # Errors
/// [`GroupError::Invalid`] for a circle, for too many levels and for too many parents.
pub(super) async fn nest(tx: &mut Tx, parent: GroupId, group: GroupId) -> Result<bool, GroupError> {
    let refused = |reason: String| Err(Invalid::new("members", format!("{group}: {reason}")).into());
    // One level more than allowed is enough to see that there are too many.
    let limit = MAX_GROUP_LEVELS.saturating_add(1);
    let Some(above) = store::graph::levels_above(tx, parent, group, limit).await? else {
        return refused("the group would be a member of itself".to_owned());
    };
    let below = store::graph::levels_below(tx, group, limit).await?;
    if above.saturating_add(below).saturating_add(1) > MAX_GROUP_LEVELS {
        return refused(format!("at most {MAX_GROUP_LEVELS} levels of groups in groups"));
    }
    let mut parents = store::graph::parents_of(tx, &[group]).await?;
    let parents = parents.remove(&group).unwrap_or_default();
    if parents.len() >= MAX_PARENTS && !parents.contains(&parent) {
        return refused(format!("a member of at most {MAX_PARENTS} groups"));
    }
    // Nothing is written before a refusal: an import goes on with the other members.
    Ok(store::graph::add(tx, parent, group).await?)
}
