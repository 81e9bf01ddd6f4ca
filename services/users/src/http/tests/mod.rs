mod attributes;
mod patch;
mod registrations;
mod scim;
mod user;
