//! Rules, alerts and their runbooks, and what the services really say of themselves.
