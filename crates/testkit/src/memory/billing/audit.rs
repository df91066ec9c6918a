use std::collections::BTreeMap;

use async_trait::async_trait;
use cape_domain::{
    billing::{Account, Balance, Credits, Hold, HoldState, LedgerAudit, Violation},
    ids::{GrantId, WorkspaceId},
    store::StoreError,
};

use super::{MemoryRead, Tables};

/// Invariants are compared as wide sums: a wrong ledger must not break its own proof.
type Sums = BTreeMap<WorkspaceId, [i128; 3]>;

#[async_trait]
impl LedgerAudit for MemoryRead {
    async fn violations(&mut self) -> Result<Vec<Violation>, StoreError> {
        let own = self.tables.billing.within(|workspace| self.admits(workspace));
        let balances: Sums = own.balances.iter().map(|(id, b)| (*id, of_balance(b))).collect();
        let mut found = compare("balance_is_sum_of_transfers", &own.transferred(), &balances);
        found.extend(compare("balance_is_sum_of_grants", &own.granted(), &shared(&balances)));
        found.extend(compare("held_is_sum_of_open_holds", &own.open(), &only_held(&balances)));
        found.extend(own.negative_balances());
        found.extend(own.unsound_transactions());
        found.extend(own.wrong_allocations());
        found.extend(own.wrong_grants());
        Ok(found)
    }
}

impl Tables {
    fn within(&self, admits: impl Fn(WorkspaceId) -> bool) -> Self {
        let mut own = self.clone();
        own.balances.retain(|workspace, _| admits(*workspace));
        own.transactions.retain(|_, transaction| admits(transaction.workspace));
        own.grants.retain(|_, grant| admits(grant.workspace));
        own.holds.retain(|_, hold| admits(hold.workspace));
        own
    }

    fn transferred(&self) -> Sums {
        let mut sums = Sums::new();
        let transfers = self.transactions.values().flat_map(|t| &t.transfers);
        for transfer in transfers {
            let amount = i128::from(transfer.amount());
            for (account, amount) in [(transfer.from(), -amount), (transfer.to(), amount)] {
                let (workspace, place, amount) = match account {
                    Account::Available(workspace) => (workspace, 0, amount),
                    Account::Held(workspace) => (workspace, 1, amount),
                    Account::Receivable(workspace) => (workspace, 2, -amount),
                    Account::Issued
                    | Account::Promotions
                    | Account::Revenue
                    | Account::Breakage
                    | Account::ProviderCost
                    | Account::ProviderPayable => continue,
                };
                sums.entry(workspace).or_default()[place] += amount;
            }
        }
        sums
    }

    fn granted(&self) -> Sums {
        let mut sums = Sums::new();
        for grant in self.grants.values() {
            let sum = sums.entry(grant.workspace).or_default();
            sum[0] += wide(grant.remaining);
            sum[1] += wide(grant.held);
        }
        sums
    }

    fn open(&self) -> Sums {
        let mut sums = Sums::new();
        for hold in self.open_holds() {
            sums.entry(hold.workspace).or_default()[1] += wide(hold.amount);
        }
        sums
    }

    fn open_holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.values().filter(|hold| hold.state == HoldState::Open)
    }

    fn negative_balances(&self) -> Vec<Violation> {
        let below = |balance: &Balance| of_balance(balance).iter().any(|amount| *amount < 0);
        let wrong = self.balances.iter().filter(|(_, balance)| below(balance));
        wrong
            .map(|(workspace, balance)| {
                violation("balance_is_not_negative", workspace, format!("{balance:?}"))
            })
            .collect()
    }

    fn unsound_transactions(&self) -> Vec<Violation> {
        let wrong = self.transactions.values().filter_map(|t| Some((t.id, t.check().err()?)));
        wrong.map(|(id, error)| violation("transaction_is_sound", id, error.to_string())).collect()
    }

    fn wrong_allocations(&self) -> Vec<Violation> {
        let sum = |hold: &Hold| hold.allocations.iter().map(|a| wide(a.amount)).sum::<i128>();
        let wrong = self.holds.values().filter(|hold| sum(hold) != wide(hold.amount));
        wrong
            .map(|hold| {
                let detail = format!("allocated {}, held {}", sum(hold), hold.amount.micros());
                violation("hold_is_sum_of_allocations", hold.id, detail)
            })
            .collect()
    }

    fn wrong_grants(&self) -> Vec<Violation> {
        let mut reserved = BTreeMap::<GrantId, i128>::new();
        for allocation in self.open_holds().flat_map(|hold| &hold.allocations) {
            *reserved.entry(allocation.grant).or_default() += wide(allocation.amount);
        }
        let mut found = Vec::new();
        for grant in self.grants.values() {
            let (remaining, held) = (wide(grant.remaining), wide(grant.held));
            let reserved = reserved.remove(&grant.id).unwrap_or_default();
            if held != reserved {
                let detail = format!("held {held}, open allocations {reserved}");
                found.push(violation("grant_held_is_sum_of_open_allocations", grant.id, detail));
            }
            if remaining < 0 || held < 0 || remaining + held > wide(grant.amount) {
                let detail = format!("remaining {remaining}, held {held} of {}", grant.amount);
                found.push(violation("grant_is_within_its_amount", grant.id, detail));
            }
        }
        found.extend(reserved.into_iter().map(|(grant, amount)| {
            let detail = format!("no such grant, open allocations {amount}");
            violation("grant_held_is_sum_of_open_allocations", grant, detail)
        }));
        found
    }
}

fn wide(amount: Credits) -> i128 {
    amount.micros().into()
}

/// Available, held and receivable, in millionths of a credit.
fn of_balance(balance: &Balance) -> [i128; 3] {
    [balance.available, balance.held, balance.receivable].map(wide)
}

/// What of the balances lies in lots: a debt does not.
fn shared(balances: &Sums) -> Sums {
    balances.iter().map(|(id, [available, held, _])| (*id, [*available, *held, 0])).collect()
}

fn only_held(balances: &Sums) -> Sums {
    balances.iter().map(|(id, [_, held, _])| (*id, [0, *held, 0])).collect()
}

fn compare(invariant: &'static str, expected: &Sums, balances: &Sums) -> Vec<Violation> {
    let mut workspaces: Vec<_> = expected.keys().chain(balances.keys()).collect();
    workspaces.sort_unstable();
    workspaces.dedup();
    let sum = |sums: &Sums, workspace| sums.get(workspace).copied().unwrap_or_default();
    workspaces
        .into_iter()
        .map(|workspace| (workspace, sum(balances, workspace), sum(expected, workspace)))
        .filter(|(_, found, expected)| found != expected)
        .map(|(workspace, found, expected)| {
            let detail = format!("the balance is {found:?}, the sums are {expected:?}");
            violation(invariant, workspace, detail)
        })
        .collect()
}

fn violation(
    invariant: &'static str,
    subject: impl std::fmt::Display,
    detail: String,
) -> Violation {
    Violation { invariant, subject: subject.to_string(), detail }
}
