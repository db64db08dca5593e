local serial = next_serial(KEYS[1])
return serial
