//! Values of `event.action`, on which dashboards and alerts are built. Each crate declares those that it logs.

/// A documented value of `event.action`.
#[derive(Clone, Copy, Debug)]
pub struct Action {
    /// `event.action`.
    pub name: &'static str,
    /// `event.category`. `None` for operations of the program itself.
    pub category: Option<&'static str>,
    /// `event.type`.
    pub types: &'static [&'static str],
    /// The description of the action.
    pub about: &'static str,
}

impl Action {
    /// An action of somebody who calls the service. Its lines name the caller.
    pub const fn audit(
        name: &'static str,
        category: &'static str,
        types: &'static [&'static str],
        about: &'static str,
    ) -> Self {
        Self {
            name,
            category: Some(category),
            types,
            about,
        }
    }

    /// An operation of the program itself.
    pub const fn operation(name: &'static str, types: &'static [&'static str], about: &'static str) -> Self {
        Self {
            name,
            category: None,
            types,
            about,
        }
    }
}
