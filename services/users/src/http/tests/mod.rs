mod registrations;
mod scim;
mod user;
