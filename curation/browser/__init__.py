"""`curate browse`: a corpus as pages, on this machine only.

index    what is known of every record, as arrays: ids, decisions, numbers
texts    the messages of every record that could be read, and the search in them
view     what a person asked to see: filters, order and page, as they stand in a URL
library  an open corpus: which records a view shows, and how many each filter value would
pages    what a page shows, without personal data
app      URLs and headers
server   the port
"""
