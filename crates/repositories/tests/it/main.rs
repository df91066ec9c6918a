//! The store on both databases: what every store promises, and what these two add.
mod databases;
mod ledger_audit;
mod locks;
mod money;
mod races;
mod rows;
mod writers;

use databases::{postgres, sqlite};

cape_testkit::store_promises!(on_sqlite, sqlite());
cape_testkit::store_promises!(on_postgres, postgres());
