select load_id from {batch} where lines_read <> lines_accepted + lines_rejected
