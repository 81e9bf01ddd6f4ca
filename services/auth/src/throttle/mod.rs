//! Growing delays after failed sign-ins, per account and per source (SB-7).
