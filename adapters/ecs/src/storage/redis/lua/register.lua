local new, other = components()
if not new then return { 'fields', other } end
learn(new)
return { 'done' }
