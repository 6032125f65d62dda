// A shop's believable day, for pictures: who writes, and what was said. [who, text, minutes ago, more]
export const SHOP = '5511988887777';
export const SUPPORT = '5511977776666';
export const TEAM = '120363000000000001@g.us';

const NAMES = ['Mariana Costa', 'João Pereira', 'Ahmed Al-Farsi', 'Sofía Hernández', 'نگار رضایی', 'Lucas Almeida', 'Camila Rocha', 'Diego Fernández', 'Fátima Zahra', 'Pedro Nogueira',
  'Beatriz Lima', 'Rafael Souza', 'Valentina Ruiz', 'عمر خالد', 'Ana Beatriz Melo', 'Gustavo Henrique', 'Larissa Martins', 'Mateo González', 'Juliana Freitas', 'Thiago Ramos',
  'Isabela Duarte', 'Carlos Eduardo', 'Renata Azevedo', 'Bruno Teixeira', 'Helena Vasconcelos', 'Martín Acosta', 'Patrícia Gomes', 'Vinícius Barros', 'Lucía Navarro', 'Eduardo Cardoso'];
export const people = NAMES.map((name, i) => ({ name, phone: String(5511960001000 + i * 137) }));
export const [MARIANA, JOAO, AHMED, SOFIA, NEGAR] = people.map((p) => p.phone);

const LAST = ['Perfect, thank you!', 'Can I pay by Pix?', 'Do you deliver to Campinas?', 'It arrived today, everything fine 🙌', 'What are your opening hours?', 'I would like to exchange the size', 'Is the blue one still available?',
  'Sent you the receipt', 'Ok, see you tomorrow', 'Could you resend the invoice?', 'The coupon did not work', 'Great service, thanks ❤️', 'When does the promotion end?'];

const day = 24 * 60;
// Talks with many turns: me is the shop.
const TALKS = {
  [MARIANA]: [
    ['them', 'Hi! I ordered the ceramic mugs last week, order 4711.', day + 190], ['them', 'When will they arrive?', day + 189],
    ['me', 'Hello Mariana! Let me look it up for you.', day + 181], ['me', 'Your parcel left our store this morning. It should reach you by Thursday.', day + 178],
    ['them', 'Wonderful 😊', day + 176], ['me', 'Here is the tracking code: AA123456789BR', day + 175], ['them', 'Hello again, the parcel came.', 64],
    ['them', 'One mug has a small crack', 63, { image: true }], ['me', 'Oh no, I am sorry about that! We will send you a new one today, free of charge.', 55],
    ['them', 'That is very kind of you', 52], ['them', '', 51, { voice: true }], ['me', 'Would Friday morning suit you?', 44], ['them', 'Friday is perfect, thank you!', 42, { react: '❤️' }], ['them', 'Could you also gift-wrap it?', 6],
  ],
  [JOAO]: [['them', 'Bom dia! Vocês têm a mesa de carvalho em estoque?', 300], ['me', 'Bom dia, João! Temos sim, duas unidades.', 290], ['them', 'Ótimo, vou passar na loja à tarde.', 281], ['them', 'Até que horas ficam abertos?', 18]],
  [AHMED]: [['them', 'مرحبا، هل يمكنني الدفع عند الاستلام؟', 150], ['me', 'أهلاً أحمد، نعم، الدفع عند الاستلام متاح.', 140], ['them', 'ممتاز، شكراً لكم', 33]],
  [SOFIA]: [['them', '¿Tienen la lámpara en color negro?', 220], ['me', 'Hola Sofía, sí, nos quedan tres.', 210], ['them', 'Perfecto, me llevo una.', 75]],
  [NEGAR]: [['them', 'سلام، سفارش من کی می‌رسد؟', 400], ['me', 'سلام نگار، فردا صبح به دستتان می‌رسد.', 380], ['them', 'خیلی ممنون 🌷', 96]],
};

// Every message of the past, oldest first: {from, to, text, minutes, image, voice, react}
export function history() {
  const out = [];
  for (const [phone, turns] of Object.entries(TALKS)) {
    for (const [who, text, minutes, more] of turns) out.push({ from: who === 'me' ? SHOP : phone, to: who === 'me' ? phone : SHOP, text, minutes, ...more });
  }
  people.slice(5, 26).forEach(({ phone }, i) => {
    const at = 90 + i * i * 14 + i * 37;
    out.push({ from: phone, to: SHOP, text: 'Hello, I have a question about my order.', minutes: at + 30 }, { from: SHOP, to: phone, text: 'Hello! How can we help you?', minutes: at + 12 }, { from: phone, to: SHOP, text: LAST[i % LAST.length], minutes: at });
    if (i % 3 === 0) out.push({ from: SHOP, to: phone, text: 'Thank you for writing to us, have a nice day!', minutes: at - 5 });
  });
  people.slice(26).forEach(({ phone }, i) => out.push({ from: phone, to: SUPPORT, text: ['My router blinks red', 'Thanks, it works again', 'Which cable do I need?', 'Can a technician come on Monday?'][i], minutes: 35 + i * 50 }));
  return out.sort((a, b) => b.minutes - a.minutes);
}

// A voice note: a soft tone that swells like speech; 8-bit sound.
export function voice(seconds = 9) {
  const rate = 8000, length = rate * seconds;
  const wav = Buffer.alloc(44 + length);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + length, 4);
  wav.write('WAVEfmt ', 8);
  [[16, 16, 4], [1, 20, 2], [1, 22, 2], [rate, 24, 4], [rate, 28, 4], [1, 32, 2], [8, 34, 2]].forEach(([value, at, size]) => wav.writeUIntLE(value, at, size));
  wav.write('data', 36);
  wav.writeUInt32LE(length, 40);
  for (let i = 0; i < length; i++) {
    const t = i / rate, loud = Math.abs(Math.sin(t * 2.1) * Math.sin(t * 7.3));
    wav[44 + i] = 128 + 90 * loud * Math.sin(2 * Math.PI * 170 * t + 3 * Math.sin(t * 11));
  }
  return wav;
}

// The cracked mug, drawn by a browser.
export const MUG = `<body style="margin:0"><div style="width:960px;height:720px;background:linear-gradient(#d8c7ae 0 62%,#8a6b4c 62%);position:relative">
<div style="position:absolute;left:310px;top:210px;width:300px;height:330px;border-radius:20px 20px 70px 70px;background:linear-gradient(100deg,#f7f4ee,#cfd8d3 70%,#a9b8b0)"></div>
<div style="position:absolute;left:590px;top:270px;width:110px;height:160px;border:34px solid #c3cec8;border-radius:0 90px 90px 0;border-left:0"></div>
<div style="position:absolute;left:310px;top:190px;width:300px;height:52px;border-radius:50%;background:#6f4a2c;border:10px solid #efece5;box-sizing:border-box"></div>
<svg style="position:absolute;left:330px;top:235px" width="120" height="240"><path d="M30 0 L46 52 L34 88 L60 130 L52 170 L74 220" fill="none" stroke="#4d443b" stroke-width="4"/></svg></div>`;
