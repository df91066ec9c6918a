//! What receipts are made of.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    billing::{Credits, Overage},
    ids::GrantId,
    store::{Scope, Store},
};

use super::{
    super::{FOREIGN, OWN},
    steps::{find_hold, place, settle},
};
use crate::fixtures::{ACME, credits, fund, id, transaction_id};

/// The lots, though nothing remains of them; what each of them paid; and the transaction, with
/// what was owed. To others, nothing of it is there.
pub async fn what_paid_for_a_call_is_found_afterwards(store: &dyn Store) {
    let first = fund(store, ACME, 10, credits(3)).await.expect("fund");
    let second = fund(store, ACME, 11, credits(4)).await.expect("fund");
    let placed = place(store, 20, credits(7)).await.expect("place").expect("admitted");
    settle(store, &placed, 30, credits(9), 123).await.expect("settled");
    let hold = find_hold(store, 20).await.expect("a hold");
    let paid = hold.paid().expect("in range");
    let amounts: Vec<_> = paid.iter().map(|part| (part.grant, part.amount)).collect();
    assert_eq!(amounts, [(first.id, credits(3)), (second.id, credits(4))]);
    let ids = [second.id, GrantId::new(id(99)), first.id];
    for (scope, seen) in [(OWN, 2), (Scope::Platform, 2), (FOREIGN, 0)] {
        let mut work = store.read(scope).await.expect("read");
        let mut lots = work.ledger().lots(&ids).await.expect("lots");
        lots.sort_by_key(|lot| lot.id);
        assert_eq!(lots.len(), seen, "{scope:?}");
        for (lot, known) in lots.iter().zip([&first, &second]) {
            let facts = (lot.id, lot.source, lot.amount, lot.remaining);
            assert_eq!(facts, (known.id, known.source, known.amount, Credits::ZERO));
        }
        assert_eq!(work.ledger().lots(&[]).await.expect("lots"), []);
        let transaction = work.ledger().transaction(transaction_id(30)).await.expect("found");
        let overage = transaction.map(|found| Overage::of(&found).expect("in range"));
        let owed = Overage { from_available: Credits::ZERO, owed: credits(2) };
        assert_eq!(overage, (seen > 0).then_some(owed), "{scope:?}");
        assert_eq!(work.ledger().transaction(transaction_id(99)).await.expect("found"), None);
    }
}
