"""What follows a won deal, and the work around it: offers, orders, invoices, receipts, visits, cases, campaigns."""
