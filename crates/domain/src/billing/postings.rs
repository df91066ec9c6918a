//! Which transfers each event makes. `docs/ledger.md` shows the same as a table.
use crate::{
    billing::{
        Account, Correction, Credits, InvalidTransaction, OutOfRange, Overage, Settlement,
        Transaction, TransactionKind, Transfer,
    },
    ids::{CallId, GrantId, HoldId, OrderId, TransactionId, WorkspaceId},
    time::Timestamp,
};

/// The facts that every transaction has.
type Head = (TransactionId, WorkspaceId, Timestamp);

fn transaction(
    (id, workspace, at): Head,
    kind: TransactionKind,
    key: String,
    moves: impl IntoIterator<Item = (Account, Account, i64)>,
) -> Result<Transaction, InvalidTransaction> {
    let transfers = moves
        .into_iter()
        .filter(|(_, _, amount)| *amount != 0)
        .map(|(from, to, amount)| Transfer::new(from, to, amount))
        .collect::<Result<_, _>>()?;
    let transaction = Transaction { id, workspace, kind, key, at, transfers };
    transaction.check()?;
    Ok(transaction)
}

/// Credits were paid for: they come into being and are available.
///
/// # Errors
///
/// [`InvalidTransaction`] for less than one unit.
pub fn purchase(
    head: Head,
    order: OrderId,
    amount: Credits,
) -> Result<Transaction, InvalidTransaction> {
    let moves = [(Account::Issued, Account::Available(head.1), amount.micros())];
    transaction(head, TransactionKind::Purchase, format!("purchase:{order}"), moves)
}

/// Credits came on top of a purchase, at the platform's expense.
///
/// # Errors
///
/// [`InvalidTransaction`] for less than one unit.
pub fn bonus(
    head: Head,
    order: OrderId,
    amount: Credits,
) -> Result<Transaction, InvalidTransaction> {
    let moves = [(Account::Promotions, Account::Available(head.1), amount.micros())];
    transaction(head, TransactionKind::Bonus, format!("bonus:{order}"), moves)
}

/// Credits were given away, once per workspace and campaign.
///
/// # Errors
///
/// [`InvalidTransaction`] for less than one unit.
pub fn promotion(
    head: Head,
    campaign: &str,
    amount: Credits,
) -> Result<Transaction, InvalidTransaction> {
    let moves = [(Account::Promotions, Account::Available(head.1), amount.micros())];
    let key = format!("promotion:{campaign}:{}", head.1);
    transaction(head, TransactionKind::Promotion, key, moves)
}

/// A debt was paid with credits that had just arrived.
///
/// # Errors
///
/// [`InvalidTransaction`] for less than one unit.
pub fn debt_repaid(
    head: Head,
    grant: GrantId,
    amount: Credits,
) -> Result<Transaction, InvalidTransaction> {
    let moves = [(Account::Available(head.1), Account::Receivable(head.1), amount.micros())];
    transaction(head, TransactionKind::DebtRepaid, format!("debt_repaid:{grant}"), moves)
}

/// Credits were set aside for a call.
///
/// # Errors
///
/// [`InvalidTransaction`] for less than one unit.
pub fn hold(head: Head, hold: HoldId, amount: Credits) -> Result<Transaction, InvalidTransaction> {
    let moves = [(Account::Available(head.1), Account::Held(head.1), amount.micros())];
    transaction(head, TransactionKind::Hold, format!("hold:{hold}"), moves)
}

/// A call was paid for: what was used is revenue, what was not goes back, and what it cost us
/// (in million-millionths of a dollar) is written beside it.
///
/// # Errors
///
/// [`InvalidTransaction`] when a part is below zero.
pub fn settlement(
    head: Head,
    hold: HoldId,
    end: &Settlement,
    overage: Overage,
    cost_pico_usd: i64,
) -> Result<Transaction, InvalidTransaction> {
    let (available, reserved) = (Account::Available(head.1), Account::Held(head.1));
    let moves = [
        (reserved, Account::Revenue, end.from_hold.micros()),
        (reserved, available, end.released.micros()),
        (available, Account::Revenue, overage.from_available.micros()),
        (Account::Receivable(head.1), Account::Revenue, overage.owed.micros()),
        (Account::ProviderPayable, Account::ProviderCost, cost_pico_usd),
    ];
    transaction(head, TransactionKind::Settlement, format!("end:{hold}"), moves)
}

/// A hold ended and nothing was used. It shares its key with the settlement: a hold ends once.
///
/// # Errors
///
/// [`InvalidTransaction`] for less than one unit.
pub fn release(
    head: Head,
    hold: HoldId,
    amount: Credits,
) -> Result<Transaction, InvalidTransaction> {
    let moves = [(Account::Held(head.1), Account::Available(head.1), amount.micros())];
    transaction(head, TransactionKind::Release, format!("end:{hold}"), moves)
}

/// A lot ran out of time: what was left of it is lost.
///
/// # Errors
///
/// [`InvalidTransaction`] for less than one unit.
pub fn expiry(
    head: Head,
    grant: GrantId,
    amount: Credits,
) -> Result<Transaction, InvalidTransaction> {
    let moves = [(Account::Available(head.1), Account::Breakage, amount.micros())];
    let key = format!("expiry:{grant}:{}", head.2.timestamp_micros());
    transaction(head, TransactionKind::Expiry, key, moves)
}

/// A purchase was paid back: what is left of its credits disappears, and what was already used
/// is owed.
///
/// # Errors
///
/// [`InvalidTransaction`] for less than one unit.
pub fn refund(
    head: Head,
    order: OrderId,
    from_available: Credits,
    owed: Credits,
) -> Result<Transaction, InvalidTransaction> {
    let moves = [
        (Account::Available(head.1), Account::Issued, from_available.micros()),
        (Account::Receivable(head.1), Account::Issued, owed.micros()),
    ];
    transaction(head, TransactionKind::Refund, format!("refund:{order}"), moves)
}

/// A call cost us something and its caller nothing: a free model.
///
/// # Errors
///
/// [`InvalidTransaction`] for less than one unit.
pub fn provider_cost(
    head: Head,
    call: CallId,
    cost_pico_usd: i64,
) -> Result<Transaction, InvalidTransaction> {
    let moves = [(Account::ProviderPayable, Account::ProviderCost, cost_pico_usd)];
    transaction(head, TransactionKind::ProviderCost, format!("provider_cost:{call}"), moves)
}

/// A call that was charged an estimate cost something else: the difference is taken or goes back,
/// and so is the difference in what it cost us, which may be below zero. It happens once for a
/// hold.
///
/// # Errors
///
/// [`InvalidTransaction`] where nothing differs, or a part is below zero.
pub fn correction(
    head: Head,
    hold: HoldId,
    correction: &Correction,
    cost_pico_usd: i64,
) -> Result<Transaction, InvalidTransaction> {
    let (available, receivable) = (Account::Available(head.1), Account::Receivable(head.1));
    let saved = 0_i64.checked_sub(cost_pico_usd.min(0)).ok_or(OutOfRange)?;
    let moves = [
        (available, Account::Revenue, correction.taken.from_available.micros()),
        (receivable, Account::Revenue, correction.taken.owed.micros()),
        (Account::Revenue, available, correction.to_available.micros()),
        (Account::Revenue, receivable, correction.to_debt.micros()),
        (Account::ProviderPayable, Account::ProviderCost, cost_pico_usd.max(0)),
        (Account::ProviderCost, Account::ProviderPayable, saved),
    ];
    transaction(head, TransactionKind::Correction, format!("correction:{hold}"), moves)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const OWN: WorkspaceId = WorkspaceId::new(Uuid::from_u128(1));

    fn head() -> Head {
        (TransactionId::new(Uuid::nil()), OWN, Timestamp::UNIX_EPOCH)
    }

    fn micros(micros: i64) -> Credits {
        Credits::from_micros(micros)
    }

    fn shown(transaction: Result<Transaction, InvalidTransaction>) -> Vec<String> {
        let transaction = transaction.expect("sound");
        let each =
            |t: &Transfer| format!("{} -> {} {}", t.from().name(), t.to().name(), t.amount());
        transaction.transfers.iter().map(each).collect()
    }

    #[test]
    fn every_event_makes_exactly_these_transfers() {
        let (order, grant) = (OrderId::new(Uuid::nil()), GrantId::new(Uuid::nil()));
        let (hold_id, call) = (HoldId::new(Uuid::nil()), CallId::new(Uuid::nil()));
        let used = |from_hold, released, beyond| Settlement {
            used: micros(from_hold + beyond),
            from_hold: micros(from_hold),
            released: micros(released),
            beyond: micros(beyond),
            grants: vec![],
        };
        let overage = |paid, owed| Overage { from_available: micros(paid), owed: micros(owed) };
        let more = |paid, owed| Correction { taken: overage(paid, owed), ..Correction::default() };
        let less = |back, debt| Correction {
            to_available: micros(back),
            to_debt: micros(debt),
            ..Correction::default()
        };
        for (transaction, expected) in [
            (purchase(head(), order, micros(9)), vec!["issued -> available 9"]),
            (bonus(head(), order, micros(9)), vec!["promotions -> available 9"]),
            (promotion(head(), "welcome", micros(9)), vec!["promotions -> available 9"]),
            (debt_repaid(head(), grant, micros(9)), vec!["available -> receivable 9"]),
            (hold(head(), hold_id, micros(9)), vec!["available -> held 9"]),
            (
                settlement(head(), hold_id, &used(6, 3, 0), overage(0, 0), 50),
                vec![
                    "held -> revenue 6",
                    "held -> available 3",
                    "provider_payable -> provider_cost 50",
                ],
            ),
            (
                settlement(head(), hold_id, &used(9, 0, 5), overage(2, 3), 0),
                vec!["held -> revenue 9", "available -> revenue 2", "receivable -> revenue 3"],
            ),
            (release(head(), hold_id, micros(9)), vec!["held -> available 9"]),
            (expiry(head(), grant, micros(9)), vec!["available -> breakage 9"]),
            (
                refund(head(), order, micros(7), micros(2)),
                vec!["available -> issued 7", "receivable -> issued 2"],
            ),
            (provider_cost(head(), call, 5), vec!["provider_payable -> provider_cost 5"]),
            (
                correction(head(), hold_id, &more(2, 3), 7),
                vec![
                    "available -> revenue 2",
                    "receivable -> revenue 3",
                    "provider_payable -> provider_cost 7",
                ],
            ),
            (
                correction(head(), hold_id, &less(4, 1), -7),
                vec![
                    "revenue -> available 4",
                    "revenue -> receivable 1",
                    "provider_cost -> provider_payable 7",
                ],
            ),
        ] {
            assert_eq!(shown(transaction), expected);
        }
    }

    #[test]
    fn an_event_that_moves_nothing_is_no_transaction() {
        let order = OrderId::new(Uuid::nil());
        let nothing = Err(InvalidTransaction::Nothing);
        assert_eq!(purchase(head(), order, Credits::ZERO), nothing);
        assert_eq!(purchase(head(), order, micros(-1)), nothing);
        let same = Correction::default();
        assert_eq!(correction(head(), HoldId::new(Uuid::nil()), &same, 0), nothing);
        let beyond = correction(head(), HoldId::new(Uuid::nil()), &same, i64::MIN);
        assert_eq!(beyond, Err(OutOfRange.into()));
    }
}
