// Strings that would be something else than text where a page didn't take them for it, and a history that is full of them.

export const hostile = [
  '<script>window.pwned = 1</script>',
  '</title></style></svg></details><img src=x onerror="window.pwned = 1">',
  '" onmouseover="window.pwned = 1" autofocus onfocus="window.pwned = 1',
  "' style='background:url(//example.net/x)",
  'javascript:window.pwned = 1',
  '\u202eevil\u202c \u2066isolated\u2069',
  'nul\u0000nul bell\u0007 esc\u001b[31m nel\u0085 ls\u2028',
  '<!-- ]]> {{.}} &lt;&#60;',
  'مثال RTL שם',
  'long '.repeat(2000).trim(),
  'w'.repeat(10240),
];

// hostileRecords returns a case for each string, with it in every field that takes one.
export function hostileRecords() {
  const records = [];
  hostile.forEach((s, i) => {
    const net = `203.0.113.${i * 16}`;
    const source = `203.0.113.${i * 16 + 5}`;
    const day = (d, h) => `2026-${d}T${h}:00:00Z`;
    records.push(
      { type: 'netblock', prefix: `${net}/28`, holder: s, country: 'ZZ', kind: 'hosting', assignment: 'static', abuse: `a${i}@example.net`, upstream: `u${i}@carrier.example`, cert: 'cert@cert.example', whois: s },
      { type: 'contact', address: `a${i}@example.net`, kind: 'company', trust: 'trusted', reason: s, by: s, at: day('10-01', '08') },
      { type: 'report', id: `R-${i} ${s.slice(0, 60)}`, at: day('10-02', '08'), source, to: `a${i}@example.net`, role: 'contact' },
      { type: 'response', report: `R-${i} ${s.slice(0, 60)}`, at: day('10-03', '08'), stance: 'asked', note: s },
      { type: 'answer', netblock: `${net}/28`, question: 'others', answer: 'no', at: day('10-20', '08'), by: s, note: s },
      { type: 'protect', range: `203.0.113.${i * 16 + 14}`, at: day('10-01', '08'), by: s, reason: s },
    );
    for (const d of ['10-29', '10-30', '11-01'])
      records.push({ type: 'sighting', source, first: day(d, '01'), last: day(d, '05'), kind: i % 2 ? 'ssh-login' : s.slice(0, 200), count: 400, proof: 'two-way', reporter: 'local' });
    records.push({ type: 'traffic', source: `203.0.113.${i * 16 + 9}`, first: day('10-30', '08'), last: day('10-30', '17'), service: s.slice(0, 200), count: 3 });
  });
  return records;
}
